/**
 * Rows as lines of PostgreSQL's COPY text format
 * (https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS). Pure.
 *
 * Invariants: what stands in the table is the value of the row, digit by digit (a time is cut, not rounded, to the
 * microseconds that PostgreSQL keeps, so that times in order stay in order); what PostgreSQL would replace or read as
 * something else (`now`, `infinity`, a lone surrogate) is refused here; what it refuses itself is left to it.
 */
import type { Row, Value } from '@millrace/core/record/row.ts';
import type { Column, ColumnType } from '@millrace/core/table/columns.ts';

const SPECIAL = /[\\\n\r\t]/;
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const UNESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
/** ISO 8601 with date, time and zone: the only texts for a time that PostgreSQL cannot read as a word. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/;
const MICROSECONDS = /(\.\d{6})\d+/;

/** One line without its line end. @throws RangeError naming column and value that have no text in the database */
export function copyLine(row: Row, columns: readonly Column[]): string {
  let line = '';
  for (const [index, column] of columns.entries()) {
    if (index > 0) line += '\t';
    line += copyField(fieldText(column, row[column.name] ?? null));
  }
  return line;
}

/** Text of a value as PostgreSQL's input functions read it, not escaped; null for NULL. @throws RangeError */
export function fieldText({ name, type }: Pick<Column, 'name' | 'type'>, value: Value): string | null {
  if (value === null) return null;
  if (type === 'time') return microseconds(isoTime(name, value));
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed())
        throw new RangeError(`column ${name} holds half a surrogate pair, which is no Unicode text: ${shown(value)}`);
      return value;
    case 'boolean':
      return value ? 't' : 'f';
    case 'number':
      return numberText(value, type);
    default:
      return value.toString();
  }
}

/** Escapes a field of COPY text; null becomes \N. */
export function copyField(text: string | null): string {
  if (text === null) return '\\N';
  return SPECIAL.test(text) ? text.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character] ?? character) : text;
}

/** A line that `copyLine` wrote, taken apart again: the texts of its columns, null for NULL. */
export function lineFields(line: string): (string | null)[] {
  return line.split('\t').map((field) => {
    if (field === '\\N') return null;
    return field.includes('\\') ? field.replace(/\\(.)/g, (_, character: string) => UNESCAPES[character] ?? character) : field;
  });
}

/** Epoch ms of an ISO time, further digits cut. @throws RangeError when it is none */
export function isoTimeMs(name: string, value: Value): number {
  const ms = Date.parse(isoTime(name, value));
  if (Number.isNaN(ms)) throw new RangeError(`column ${name} is ${shown(value)}; allowed is a time that exists, in ISO 8601`);
  return ms;
}

function isoTime(name: string, value: Value): string {
  if (typeof value === 'string' && isIsoTime(value)) return value;
  throw new RangeError(`column ${name} is ${shown(value)}; allowed is an ISO 8601 time with a zone`);
}

export function isIsoTime(text: string): boolean {
  return ISO_TIME.test(text);
}

/** The text of a time with at most the six digits that PostgreSQL keeps. */
export function microseconds(text: string): string {
  return text.length > 27 ? text.replace(MICROSECONDS, '$1') : text;
}

function numberText(value: number, type: ColumnType): string {
  if (Object.is(value, -0)) return '-0';
  // 1e21 and beyond is exponent notation, which bigint refuses; every such float64 is a whole number.
  return type === 'int' && Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

function shown(value: Value): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
}
