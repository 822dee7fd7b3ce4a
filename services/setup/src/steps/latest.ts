import { list, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { reconcileTable } from '../columns.ts';
import { SetupRefused } from '../refused.ts';
import { hasRows } from '../relation.ts';
import type { Step } from './step.ts';

/** `<table>_latest`: the newest row per key, all columns. Filled from the table where rows are there already. */
export const latest: Step = async ({ session, model, changes }) => {
  const target = tableName(model.schema, model.latest);
  const { rows } = await session.query(
    `SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])
      WHERE i.indrelid = to_regclass($1) AND i.indisprimary`,
    [target],
  );
  const keys = rows.map(({ name }) => String(name));
  if (keys.length > 0 && keys.join() !== model.key)
    throw new SetupRefused(
      'SchemaReady',
      'KeyChanged',
      `The table ${model.schema}.${model.latest} holds the newest row per ${keys.join(', ')}, the spec's record.key is ${model.key}. Set spec.table.name to a new table`,
    );
  if (!(await reconcileTable(session, model.schema, model.latest, model.latestColumns, [model.key], changes))) return;
  if (!(await hasRows(session, model.schema, model.table))) return;
  const columns = list(model.latestColumns.map(({ name }) => name));
  const [key, time] = [quote(model.key), quote(TIME_COLUMN)];
  await session.query(
    `INSERT INTO ${target} (${columns}) SELECT DISTINCT ON (${key}) ${columns} FROM ${tableName(model.schema, model.table)}
      WHERE ${key} IS NOT NULL ORDER BY ${key}, ${time} DESC`,
  );
  changes.push(`filled ${model.schema}.${model.latest} from the rows that are there`);
};
