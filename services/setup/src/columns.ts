/**
 * The columns of a table: from what is there and what is wanted to what has to be done.
 *
 * Invariant: nothing that is stored is changed or thrown away: columns are added and constraints loosened, no more.
 */
import { literal, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { APPENDED_COLUMN } from '@millrace/core/table/columns.ts';
import type { WantedColumn } from './model.ts';
import { NEW_TABLE, SetupRefused } from './refused.ts';
import type { FoundColumn } from './relation.ts';
import { readRelation, spelled } from './relation.ts';
import type { Session } from './session.ts';

export interface ColumnPlan {
  add: WantedColumn[];
  /** Columns that may be NULL from now on. */
  loosen: string[];
  comment: { name: string; comment: string | null }[];
}

/**
 * What has to be done to the columns of the table `place`; `spelling` gives PostgreSQL's own spelling of a type.
 * @throws SetupRefused `ColumnRemoved` or `ColumnTypeChanged`, with the way out
 */
export function planColumns(
  place: string,
  wanted: readonly WantedColumn[],
  found: readonly FoundColumn[],
  spelling: ReadonlyMap<string, string>,
): ColumnPlan {
  const byName = new Map(found.map((column) => [column.name, column]));
  const names = new Set(wanted.map(({ name }) => name));
  const removed = found.filter(({ name }) => !names.has(name) && name !== APPENDED_COLUMN);
  if (removed.length > 0)
    throw new SetupRefused(
      'SchemaReady',
      'ColumnRemoved',
      `The table ${place} has the column ${removed.map(({ name, type }) => `${JSON.stringify(name)} (${type})`).join(', ')}, which the spec no longer names. ${NEW_TABLE}`,
    );
  const plan: ColumnPlan = { add: [], loosen: [], comment: [] };
  for (const column of wanted) {
    const there = byName.get(column.name);
    if (there === undefined) {
      plan.add.push(column);
      continue;
    }
    const type = spelling.get(column.type) ?? column.type;
    if (there.type !== type)
      throw new SetupRefused(
        'SchemaReady',
        'ColumnTypeChanged',
        `The column ${JSON.stringify(column.name)} of the table ${place} is ${there.type}, the spec asks for ${type}. ${NEW_TABLE}`,
      );
    if (there.notNull && !column.notNull) plan.loosen.push(column.name);
    if (there.comment !== column.comment) plan.comment.push({ name: column.name, comment: column.comment });
  }
  // Written only where `unique` asks for it, so it must not refuse rows once `unique` is gone.
  if (!names.has(APPENDED_COLUMN) && byName.get(APPENDED_COLUMN)?.notNull) plan.loosen.push(APPENDED_COLUMN);
  return plan;
}

/** Creates the table or brings its columns up to date. Returns whether it was created. */
export async function reconcileTable(
  session: Session,
  schema: string,
  name: string,
  columns: readonly WantedColumn[],
  primaryKey: readonly string[],
  changes: string[],
): Promise<boolean> {
  const target = tableName(schema, name);
  const place = `${schema}.${name}`;
  const relation = await readRelation(session, schema, name);
  const comment = (column: string, text: string | null) =>
    session.query(`COMMENT ON COLUMN ${target}.${quote(column)} IS ${text === null ? 'NULL' : literal(text)}`);
  if (relation === null) {
    const definitions = columns.map((column) => `${quote(column.name)} ${column.type}${column.notNull ? ' NOT NULL' : ''}`);
    if (primaryKey.length > 0) definitions.push(`PRIMARY KEY (${primaryKey.map(quote).join(', ')})`);
    await session.query(`CREATE TABLE ${target} (${definitions.join(', ')})`);
    for (const column of columns) if (column.comment !== null) await comment(column.name, column.comment);
    changes.push(`created table ${place}`);
    return true;
  }
  if (relation.kind !== 'table')
    throw new SetupRefused(
      'SchemaReady',
      'NameTaken',
      `${place} is there already and is no table. Choose another spec.table.name`,
    );
  const spelling = await spelled(
    session,
    columns.map(({ type }) => type),
  );
  const plan = planColumns(place, columns, relation.columns, spelling);
  for (const column of plan.add) {
    const filled = column.backfill === undefined ? '' : ` NOT NULL DEFAULT ${column.backfill}`;
    await session.query(`ALTER TABLE ${target} ADD COLUMN ${quote(column.name)} ${column.type}${filled}`);
    if (column.comment !== null) await comment(column.name, column.comment);
    changes.push(`added column ${column.name} to table ${place}`);
  }
  for (const column of plan.loosen) {
    await session.query(`ALTER TABLE ${target} ALTER COLUMN ${quote(column)} DROP NOT NULL`);
    changes.push(`column ${column} of table ${place} may be NULL now`);
  }
  for (const { name: column, comment: text } of plan.comment) {
    await comment(column, text);
    changes.push(`changed the comment of column ${column} of table ${place}`);
  }
  return false;
}
