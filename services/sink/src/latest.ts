/**
 * `<table>_latest`: the newest row per key, or per combination of what `table.latest.by` names, kept up to date in the transaction of the
 * rows.
 *
 * Invariants: a row replaces another of its key only when its time is newer or equal, at the full digits that came within
 * a batch and at microseconds across batches; of equal times the later in the log counts. Rows without a
 *   key, or with none of the columns of `table.latest.of`, do not count: what is known is not overwritten by nothing.
 * Keys are written in order, so that two transactions never deadlock.
 */
import { list, quote, table } from '@millrace/core/database/identifier.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type Column, columnsOf, sqlType, TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { type Latest, latestOf } from '@millrace/core/table/latest.ts';
import { textOf } from './copyLines.ts';
import { lineFields } from './copyText.ts';
import type { TableRow } from './incoming.ts';

/** The newest row of each key, in key order. @param rows in log order @param keyOf null: the row does not count */
export function newestByKey(rows: readonly TableRow[], keyOf: (row: TableRow) => string | null): TableRow[] {
  const newest = new Map<string, TableRow>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === null) continue;
    const other = newest.get(key);
    if (other === undefined || !isOlder(row, other)) newest.set(key, row);
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** By epoch ns: whole milliseconds first, then the digits behind them. */
function isOlder(a: TableRow, b: TableRow): boolean {
  if (a.timeMs !== b.timeMs) return a.timeMs < b.timeMs;
  return a.finer !== b.finer && a.finer.padEnd(PICOSECOND_DIGITS, '0') < b.finer.padEnd(PICOSECOND_DIGITS, '0');
}

/** Behind the milliseconds: filled up to so many, digits compare as text. */
const PICOSECOND_DIGITS = 9;

export interface LatestTable extends Latest {
  schema: string;
  name: string;
  /** The record's key, whose text rows know. */
  key: Column;
  columns: readonly Column[];
}

/** The latest table of a Pipeline. @throws Error where the key is no column, which the loader refuses */
export function latestTableOf(pipeline: Pipeline): LatestTable {
  const { schema, latestTable: name } = namesOf(pipeline);
  const columns = columnsOf(pipeline);
  const key = columns.find((column) => column.name === pipeline.spec.record.key);
  if (key === undefined)
    throw new Error(
      `record.key is ${pipeline.spec.record.key}; the table has ${columns.map((column) => column.name).join(', ')}`,
    );
  return { schema, name, key, columns, ...latestOf(pipeline) };
}

/** What names the entry that a row may replace. Only the key is at hand: for all else the row's line is taken apart. */
function keysOf({ key, by, of, columns }: LatestTable): (row: TableRow) => string | null {
  if (of.length === 0 && by.length === 1 && by[0] === key.name) return (row) => row.key;
  const places = (names: readonly string[]): number[] => names.map((name) => columns.findIndex((column) => column.name === name));
  const [keys, values] = [places(by), places(of)];
  return (row) => {
    const fields = lineFields(textOf(row));
    const texts = keys.map((index) => fields[index] ?? null);
    const isEmpty = values.length > 0 && values.every((index) => (fields[index] ?? null) === null);
    return isEmpty || texts.includes(null) ? null : JSON.stringify(texts);
  };
}

/** The conflict clause of an insert into the latest table under the alias `kept`. */
export function keepNewest({ by, columns }: Pick<LatestTable, 'by' | 'columns'>, comparison: '>=' | '>'): string {
  const sets = columns.filter(({ name }) => !by.includes(name)).map(({ name }) => `${quote(name)} = EXCLUDED.${quote(name)}`);
  return `ON CONFLICT (${list(by)}) DO UPDATE SET ${sets.join(', ')}
    WHERE EXCLUDED.${quote(TIME_COLUMN)} ${comparison} kept.${quote(TIME_COLUMN)}`;
}

/**
 * SQL that puts the newest of these rows into the latest table; null where none has a key. The values are array literals,
 * one per column: they parse much faster than a VALUES list. Rows that COPY took hold nothing that a literal cannot.
 */
export function latestSql(latest: LatestTable, rows: readonly TableRow[]): string | null {
  const newest = newestByKey(rows, keysOf(latest));
  if (newest.length === 0) return null;
  const fields = newest.map((row) => lineFields(textOf(row)));
  const arrays = latest.columns.map((column, index) => {
    const elements = fields.map((texts) => arrayElement(texts[index] ?? null));
    return `${stringLiteral(`{${elements.join(',')}}`)}::${sqlType(column.type)}[]`;
  });
  const names = list(latest.columns.map(({ name }) => name));
  return `INSERT INTO ${table(latest.schema, latest.name)} AS kept (${names})
    SELECT * FROM unnest(${arrays.join(', ')}) ${keepNewest(latest, '>=')}`;
}

/** Array text: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayElement(text: string | null): string {
  return text === null ? 'NULL' : `"${/[\\"]/.test(text) ? text.replace(/[\\"]/g, '\\$&') : text}"`;
}

/** As pg.escapeLiteral, but not character by character. */
function stringLiteral(text: string): string {
  return text.includes('\\') ? ` E'${text.replace(/[\\']/g, '$&$&')}'` : `'${text.replaceAll("'", "''")}'`;
}
