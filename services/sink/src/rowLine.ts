/**
 * From the value of a processed record to its line of COPY text. Pure.
 *
 * Invariant: the short way, which cuts the texts of the columns out of the JSON as the processor writes it (`encodeRow`),
 * gives what the long way over `decodeRow` and `copyLine` gives. It takes only what cannot differ: members in column
 * order, text without escapes and control characters, numbers without exponent; anything else goes the long way.
 */
import { decodeUtf8 } from '@millrace/core/record/json.ts';
import { decodeRow } from '@millrace/core/record/row.ts';
import { type Column, TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { copyLine, fieldText, isIsoTime, isoTimeMs, microseconds } from './copyText.ts';

export interface RowLine {
  /** COPY text without its line end. */
  line: string;
  /** Text of the key column; null where the row has none. */
  key: string | null;
  /** The time with all digits that came. */
  time: string;
  /** The time in epoch ms, further digits cut. */
  timeMs: number;
}

/** @throws Error (RowError, RangeError) where the value is no row of these columns */
export type ReadRow = (value: Buffer) => RowLine;

/** @param key the column whose newest rows are kept */
export function rowReader(columns: readonly Column[], key: Column): ReadRow {
  const cut = shortWay(columns, key);
  return (value) => cut(decodeText(value)) ?? longWay(value, columns, key);
}

/** Digits of an integer that any database and float64 hold. */
const INT_DIGITS = 15;
/** Of a float without exponent: far from overflow. */
const FLOAT_CHARACTERS = 30;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON does not allow them, COPY escapes some
const NOT_PLAIN = /[\\\u0000-\u001f]/;
const [QUOTE, COMMA, MINUS, POINT, ZERO, NINE, OPEN, CLOSE] = [0x22, 0x2c, 0x2d, 0x2e, 0x30, 0x39, 0x7b, 0x7d];

/** Bytes that are no UTF-8 become a text that the short way does not take. */
function decodeText(value: Buffer): string {
  try {
    return decodeUtf8(value);
  } catch {
    return '';
  }
}

/** null: not of the plain form. */
export function shortWay(columns: readonly Column[], key: Column): (text: string) => RowLine | null {
  const first = columns.map(({ name }) => `"${name}":`);
  const further = first.map((member) => `,${member}`);
  const types = columns.map(({ type }) => type);
  const keyIndex = columns.findIndex(({ name }) => name === key.name);
  const timeIndex = columns.findIndex(({ name }) => name === TIME_COLUMN);
  return (text) => {
    if (text.charCodeAt(0) !== OPEN || NOT_PLAIN.test(text)) return null;
    let at = 1;
    let line = '';
    let keyText: string | null = null;
    let time = '';
    for (let index = 0; index < types.length; index++) {
      if (index > 0) line += '\t';
      const member = (at === 1 ? first[index] : further[index]) as string;
      if (!text.startsWith(member, at)) {
        line += '\\N';
        continue;
      }
      const start = at + member.length;
      let field: string;
      switch (types[index]) {
        case 'text':
        case 'time': {
          const end = text.indexOf('"', start + 1);
          if (end < 0 || text.charCodeAt(start) !== QUOTE) return null;
          field = text.slice(start + 1, end);
          at = end + 1;
          if (types[index] === 'text') break;
          if (!isIsoTime(field)) return null;
          if (index === timeIndex) time = field;
          field = microseconds(field);
          break;
        }
        case 'int':
          at = integerEnd(text, start);
          if (at < 0 || at - start > INT_DIGITS) return null;
          field = text.slice(start, at);
          break;
        case 'float':
          at = floatEnd(text, start);
          if (at < 0 || at - start > FLOAT_CHARACTERS) return null;
          field = text.slice(start, at);
          break;
        case 'bool':
          field = text.startsWith('true', start) ? 't' : 'f';
          if (field === 'f' && !text.startsWith('false', start)) return null;
          at = start + (field === 't' ? 4 : 5);
          break;
        default:
          return null;
      }
      line += field;
      if (index !== keyIndex) continue;
      if (types[index] === 'float' && String(Number(field)) !== field) return null; // one text for each key
      keyText = field;
    }
    if (text.charCodeAt(at) !== CLOSE || at + 1 !== text.length) return null;
    const timeMs = Date.parse(time);
    return Number.isNaN(timeMs) ? null : { line, key: keyText, time, timeMs };
  };
}

/** Where an integer of JSON ends that starts here; -1: none does. */
function integerEnd(text: string, start: number): number {
  const digits = text.charCodeAt(start) === MINUS ? start + 1 : start;
  const end = digitsEnd(text, digits);
  if (end === digits || (end > digits + 1 && text.charCodeAt(digits) === ZERO)) return -1;
  return isEnd(text.charCodeAt(end)) ? end : -1;
}

/** Where a number of JSON without exponent ends that starts here; -1: none does. */
function floatEnd(text: string, start: number): number {
  const digits = text.charCodeAt(start) === MINUS ? start + 1 : start;
  let end = digitsEnd(text, digits);
  if (end === digits || (end > digits + 1 && text.charCodeAt(digits) === ZERO)) return -1;
  if (text.charCodeAt(end) === POINT) {
    const fraction = end + 1;
    end = digitsEnd(text, fraction);
    if (end === fraction) return -1;
  }
  return isEnd(text.charCodeAt(end)) ? end : -1;
}

function digitsEnd(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(at)) at++;
  return at;
}

function isEnd(code: number): boolean {
  return code === COMMA || code === CLOSE;
}

function longWay(value: Buffer, columns: readonly Column[], key: Column): RowLine {
  const row = decodeRow(value, columns);
  const time = row[TIME_COLUMN] ?? null;
  const timeMs = isoTimeMs(TIME_COLUMN, time);
  return { line: copyLine(row, columns), key: fieldText(key, row[key.name] ?? null), time: String(time), timeMs };
}
