/**
 * `<table>_latest`: the newest row per key, kept up to date in the transaction of the rows.
 *
 * Invariants: a row replaces another of its key only when its time is newer or equal, at the full digits that came within
 * a batch and at microseconds across batches; of equal times the later in the log counts. Rows without a key are not kept.
 * Keys are written in order, so that two transactions never deadlock.
 */
import { list, quote, table } from '@millrace/core/database/identifier.ts';
import { type Column, sqlType, TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { textOf } from './copyLines.ts';
import { lineFields } from './copyText.ts';
import type { TableRow } from './incoming.ts';

/** The newest row of each key, in key order. @param rows in log order */
export function newestByKey(rows: readonly TableRow[]): TableRow[] {
  const newest = new Map<string, TableRow>();
  for (const row of rows) {
    if (row.key === null) continue;
    const other = newest.get(row.key);
    if (other === undefined || !isOlder(row, other)) newest.set(row.key, row);
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

export interface LatestTable {
  schema: string;
  name: string;
  key: Column;
  columns: readonly Column[];
}

/** The conflict clause of an insert into the latest table under the alias `kept`. */
export function keepNewest({ key, columns }: LatestTable, comparison: '>=' | '>'): string {
  const sets = columns.filter(({ name }) => name !== key.name).map(({ name }) => `${quote(name)} = EXCLUDED.${quote(name)}`);
  return `ON CONFLICT (${quote(key.name)}) DO UPDATE SET ${sets.join(', ')}
    WHERE EXCLUDED.${quote(TIME_COLUMN)} ${comparison} kept.${quote(TIME_COLUMN)}`;
}

/**
 * SQL that puts the newest of these rows into the latest table; null where none has a key. The values are array literals,
 * one per column: they parse much faster than a VALUES list. Rows that COPY took hold nothing that a literal cannot.
 */
export function latestSql(latest: LatestTable, rows: readonly TableRow[]): string | null {
  const newest = newestByKey(rows);
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
