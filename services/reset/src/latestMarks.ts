/** The topic of newest rows over a reset: it follows the new table. */
import { table as tableName } from '@millrace/core/database/identifier.ts';
import { keySql, markChanges, stopMarking } from '@millrace/setup/latestMarks.ts';
import { modelOf } from '@millrace/setup/model.ts';
import { primaryKeyOf } from '@millrace/setup/relation.ts';
import type { Session } from '@millrace/setup/session.ts';
import type { Plan, TableSet } from './plan.ts';

/**
 * Marks what only the old table had, to be deleted from the topic; from now on the new table marks its changes, and the topic is filled
 * from it. In the open transaction, when the tables have their names.
 */
export async function passMarks(session: Session, { pipeline, wanted }: Plan, old: TableSet): Promise<void> {
  const model = modelOf(wanted);
  const formerKey = await primaryKeyOf(session, old.schema, old.latest);
  if (formerKey.length === 0) return;
  await stopMarking(session, old);
  if (model.kept.topic)
    await session.query(
      `INSERT INTO millrace.latest_unsent (pipeline, id, key)
         SELECT $1, sha256(convert_to(key::text, 'UTF8')), key FROM (
           SELECT ${keySql(formerKey)} AS key FROM ${tableName(old.schema, old.latest)}
           EXCEPT SELECT ${keySql(model.kept.by)} FROM ${tableName(model.schema, model.latest)}) AS gone
       ON CONFLICT (pipeline, id) DO UPDATE SET token = EXCLUDED.token`,
      [pipeline],
    );
  await markChanges(session, model);
}
