import { sqlStateOf } from '@millrace/core/database/errors.ts';
import { list, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { indexName } from '../indexName.ts';
import { SetupRefused } from '../refused.ts';
import { readIndex } from '../relation.ts';
import type { Step } from './step.ts';

/** The unique index of `table.unique`, in which two NULLs are the same; dropped where the spec no longer asks for it. */
export const unique: Step = async ({ session, model, changes }) => {
  const name = indexName(model.table, 'unique');
  const place = `${model.schema}.${model.table}`;
  const found = await readIndex(session, model.schema, name);
  if (found !== null && found.join() === (model.unique ?? []).join()) return;
  if (found !== null) {
    await session.query(`DROP INDEX ${tableName(model.schema, name)}`);
    changes.push(`dropped index ${name} on ${place}`);
  }
  if (model.unique === null) return;
  const columns = list(model.unique);
  try {
    await session.query(
      `CREATE UNIQUE INDEX ${quote(name)} ON ${tableName(model.schema, model.table)} (${columns}) NULLS NOT DISTINCT`,
    );
  } catch (error) {
    if (sqlStateOf(error) !== '23505') throw error;
    throw new SetupRefused(
      'SchemaReady',
      'RowsNotUnique',
      `The table ${place} holds rows that are the same in ${columns}, so spec.table.unique cannot hold. Remove the repeats, or set spec.table.name to a new table`,
    );
  }
  changes.push(`created unique index ${name} on ${place}`);
};
