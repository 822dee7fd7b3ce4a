import { list, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { countsSql } from '@millrace/core/table/latest.ts';
import { reconcileTable } from '../columns.ts';
import { SetupRefused } from '../refused.ts';
import { hasRows } from '../relation.ts';
import type { Step } from './step.ts';

/** `<table>_latest`: the newest row per key, or per what the spec says, all columns. Filled from the table where rows are there already. */
export const latest: Step = async ({ session, model, changes }) => {
  const target = tableName(model.schema, model.latest);
  const { rows } = await session.query(
    `SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])
      WHERE i.indrelid = to_regclass($1) AND i.indisprimary`,
    [target],
  );
  const keys = rows.map(({ name }) => String(name));
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
