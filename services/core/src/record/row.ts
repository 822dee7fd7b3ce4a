/**
 * A table row between processor and sink: one flat JSON object per processed record (DESIGN 1.1).
 *
 * Invariants: decode(encode(row)) = row, digit by digit. An integer is a number where that is safe, else a bigint. Null
 * members are left out. Column `extra` is JSON text in a row and embedded JSON in the record.
 */
import type { Column } from '../table/columns.ts';
import { decodeUtf8, JsonError, parseJson, RawNumber, stringifyJson } from './json.ts';

/** A value of a table column as the processor makes it. Times are ISO 8601 text with as many fraction digits as came. */
export type Value = string | number | bigint | boolean | null;

/** One table row by column name, without a prototype; a column that is not there is null. Column `extra` holds JSON text. */
export type Row = Record<string, Value>;

/** A processed record that is no row of this table. The message names column, value and what is allowed. */
export class RowError extends Error {
  override name = 'RowError';
}

// Objects of this class inherit no name, yet V8 keeps them fast, which it does not for Object.create(null).
const EmptyRow = function EmptyRow() {} as unknown as new () => Row;
EmptyRow.prototype = Object.create(null);

/** A row without members, which inherits none either. */
export function newRow(): Row {
  return new EmptyRow();
}

/**
 * The value of a processed record.
 * @throws RowError for a number that JSON has no text for (NaN, Infinity)
 */
export function encodeRow(row: Row, columns: readonly Column[]): Buffer {
  let text = '{';
  for (const { name, type } of columns) {
    const value = row[name];
    if (value === undefined || value === null) continue;
    if (text.length > 1) text += ',';
    text += `"${name}":${type === 'json' ? value : valueText(name, value)}`; // names are identifiers: nothing to escape
  }
  return Buffer.from(`${text}}`);
}

/**
 * The row of a processed record's value; every column is there, null where the record has none.
 * @throws RowError where the value is no row of these columns
 */
export function decodeRow(value: Buffer, columns: readonly Column[]): Row {
  const object = parseObject(value, columns);
  const row = newRow();
  let found = 0;
  for (const column of columns) {
    const member = Object.hasOwn(object, column.name) ? object[column.name] : undefined;
    if (member !== undefined) found++;
    row[column.name] = member === undefined || member === null ? null : typed(column, member);
  }
  if (found < Object.keys(object).length) {
    const unknown = Object.keys(object).filter((key) => !columns.some(({ name }) => name === key));
    throw new RowError(
      `processed record with the member ${JSON.stringify(unknown[0])}; allowed are the columns ${columns.map(({ name }) => name).join(', ')}`,
    );
  }
  return row;
}

/** What JSON writes in another way within a text; looking is faster than writing. */
const ESCAPED = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

function valueText(name: string, value: string | number | bigint | boolean): string {
  if (typeof value === 'string') return ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`;
  if (typeof value !== 'number') return String(value);
  if (!Number.isFinite(value)) throw new RowError(`column ${name} is ${value}; allowed is a finite number`);
  return Object.is(value, -0) ? '-0' : String(value);
}

function parseObject(value: Buffer, columns: readonly Column[]): Record<string, unknown> {
  try {
    const parsed = parseExactly(decodeUtf8(value), columns);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) && !(parsed instanceof RawNumber)) {
      return parsed as Record<string, unknown>;
    }
  } catch (error) {
    if (error instanceof JsonError) throw new RowError(`processed record: ${error.message}`);
    throw error;
  }
  throw new RowError('processed record is no JSON object; allowed is one flat object of columns');
}

/**
 * As parseJson where that makes a difference. It does not for floats, which read back as the float64 that was written, and
 * whose many digits would make it slow (four times, measured on rows of derived floats): only whole numbers and `extra` need it.
 */
function parseExactly(text: string, columns: readonly Column[]): unknown {
  if (columns.some(({ type }) => type === 'json')) return parseJson(text);
  let quick: unknown;
  try {
    quick = JSON.parse(text);
  } catch {
    return parseJson(text); // says what is wrong with it
  }
  if (typeof quick !== 'object' || quick === null) return quick;
  const members = quick as Record<string, unknown>;
  const isExact = columns.every(({ name, type }) => {
    const member = members[name];
    return type !== 'int' || member === undefined || Number.isSafeInteger(member);
  });
  return isExact ? quick : parseJson(text);
}

function typed({ name, type }: Column, member: unknown): Value {
  switch (type) {
    case 'json':
      return stringifyJson(member);
    case 'text':
    case 'time':
      if (typeof member === 'string') return member;
      break;
    case 'bool':
      if (typeof member === 'boolean') return member;
      break;
    case 'int':
      if (typeof member === 'bigint' || Number.isSafeInteger(member)) return member as number | bigint;
      break;
    case 'float':
      if (typeof member === 'number' && Number.isFinite(member)) return member;
      if (typeof member === 'bigint') return Number(member);
      if (member instanceof RawNumber && Number.isFinite(Number(member.source))) return Number(member.source);
  }
  throw new RowError(`column ${name} is ${stringifyJson(member).slice(0, 80)}; allowed is ${type}`);
}
