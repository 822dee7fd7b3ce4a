import { list, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { countsSql } from '@millrace/core/table/latest.ts';
import { reconcileTable } from '../columns.ts';
import { markChanges } from '../latestMarks.ts';
import { SetupRefused } from '../refused.ts';
import { hasRows, primaryKeyOf } from '../relation.ts';
import type { Step } from './step.ts';

/**
 * `<table>_latest`: the newest row per key, or per what the spec says, all columns. Filled from the table where rows are there already.
 * Its changes are marked where they are to be in a topic.
 */
export const latest: Step = async (context) => {
  await latestTable(context);
  const { session, model, changes } = context;
  changes.push(...(await markChanges(session, model)));
};

const latestTable: Step = async ({ session, model, changes }) => {
  const target = tableName(model.schema, model.latest);
  const keys = await primaryKeyOf(session, model.schema, model.latest);
  const { by } = model.kept;
  if (keys.length > 0 && keys.toSorted().join() !== by.toSorted().join())
    throw new SetupRefused(
      'SchemaReady',
      'KeyChanged',
      `The table ${model.schema}.${model.latest} holds the newest row per ${keys.join(', ')}, the spec asks for ${by.join(', ')} (table.latest.by, record.key). Set spec.table.name to a new table`,
    );
  if (!(await reconcileTable(session, model.schema, model.latest, model.latestColumns, by, changes))) return;
  if (!(await hasRows(session, model.schema, model.table))) return;
  const columns = list(model.latestColumns.map(({ name }) => name));
  await session.query(
    `INSERT INTO ${target} (${columns}) SELECT DISTINCT ON (${list(by)}) ${columns} FROM ${tableName(model.schema, model.table)}
      WHERE ${countsSql(model.kept)} ORDER BY ${list(by)}, ${quote(TIME_COLUMN)} DESC`,
  );
  changes.push(`filled ${model.schema}.${model.latest} from the rows that are there`);
};
