/**
 * From the value of a processed record to its line of COPY text. Pure.
 *
 * Invariant: the short way, which copies the columns byte by byte out of the JSON as the processor writes it (`encodeRow`),
 * gives what the long way over `decodeRow` and `copyLine` gives. It takes only what cannot differ: members in column
 * order, text without escapes and control characters, numbers without exponent, times in UTC; anything else goes the long way.
 */
import { isUtf8 } from 'node:buffer';
import { decodeRow } from '@millrace/core/record/row.ts';
import { type Column, TIME_COLUMN } from '@millrace/core/table/columns.ts';
import type { CopyLines } from './copyLines.ts';
import { copyLine, fieldText, isoTimeMs } from './copyText.ts';
import { type PlainTime, plainTimeAt, writeMicroseconds } from './plainTime.ts';

/** What is known of a row beside its line. */
export interface RowFacts {
  /** Text of the key column; null where the row has none. */
  key: string | null;
  /** The time in epoch ms, further digits cut. */
  timeMs: number;
  /** Those further digits as they came; mostly none. */
  finer: string;
}

/**
 * Writes the line of a value, without its line end.
 * @throws Error (RowError, RangeError) where the value is no row of these columns, and nothing is written
 */
export type WriteRow = (value: Buffer, lines: CopyLines) => RowFacts;

/** @param key the column whose newest rows are kept */
export function rowWriter(columns: readonly Column[], key: Column): WriteRow {
  const copy = shortWay(columns, key);
  return (value, lines) => copy(value, lines) ?? longWay(value, lines, columns, key);
}

/** Digits of PostgreSQL's largest bigint, 9223372036854775807: nanoseconds since 1970 have as many. */
const BIGINT_DIGITS = 19;
/** Of a float without exponent: far from overflow. */
const FLOAT_CHARACTERS = 30;
const [QUOTE, COMMA, MINUS, POINT, ZERO, NINE, OPEN, CLOSE] = [0x22, 0x2c, 0x2d, 0x2e, 0x30, 0x39, 0x7b, 0x7d];
const [TAB, BACKSLASH, SPACE, N, T, F] = [0x09, 0x5c, 0x20, 0x4e, 0x74, 0x66];
const [TRUE, FALSE] = [Buffer.from('true'), Buffer.from('false')];
/** Line text that a column takes beyond its JSON: a tab and \N. */
const MORE_BYTES = 3;

/** null: not of the plain form, and nothing is written. */
export function shortWay(columns: readonly Column[], key: Column): (value: Buffer, lines: CopyLines) => RowFacts | null {
  const first = columns.map(({ name }) => Buffer.from(`"${name}":`));
  const further = columns.map(({ name }) => Buffer.from(`,"${name}":`));
  const types = columns.map(({ type }) => type);
  const keyIndex = columns.findIndex(({ name }) => name === key.name);
  const timeIndex = columns.findIndex(({ name }) => name === TIME_COLUMN);
  return (value, lines) => {
    if (value[0] !== OPEN) return null;
    const out = lines.room(value.length + MORE_BYTES * types.length);
    let to = lines.length;
    let at = 1;
    let keyText: string | null = null;
    let time: PlainTime | null = null;
    let seen = 0; // all bytes of texts, OR-ed: whether one is not ASCII
    for (let index = 0; index < types.length; index++) {
      if (index > 0) out[to++] = TAB;
      const member = (at === 1 ? first[index] : further[index]) as Buffer;
      if (!isAt(value, at, member)) {
        out[to++] = BACKSLASH;
        out[to++] = N;
        continue;
      }
      at += member.length;
      const start = to;
      switch (types[index]) {
        case 'text': {
          if (value[at++] !== QUOTE) return null;
          let byte = value[at++];
          for (; byte !== QUOTE; byte = value[at++]) {
            if (byte === undefined || byte < SPACE || byte === BACKSLASH) return null;
            seen |= byte;
            out[to++] = byte;
          }
          break;
        }
        case 'time': {
          const found = plainTimeAt(value, at);
          if (found === null) return null;
          if (index === timeIndex) time = found;
          to = writeMicroseconds(found, value, at, out, to);
          at = found.end;
          break;
        }
        case 'int':
        case 'float': {
          const end = types[index] === 'int' ? integerEnd(value, at) : floatEnd(value, at);
          if (end < 0) return null;
          if (types[index] === 'int' ? !isBigint(value, at, end) : end - at > FLOAT_CHARACTERS) return null;
          while (at < end) out[to++] = value[at++] as number;
          break;
        }
        case 'bool': {
          const word = isAt(value, at, TRUE) ? TRUE : FALSE;
          if (!isAt(value, at, word)) return null;
          out[to++] = word === TRUE ? T : F;
          at += word.length;
          break;
        }
        default:
          return null;
      }
      if (index !== keyIndex) continue;
      keyText = out.toString(seen < 0x80 ? 'latin1' : 'utf8', start, to);
      if (types[index] === 'float' && String(Number(keyText)) !== keyText) return null; // one text for each key
    }
    if (value[at] !== CLOSE || at + 1 !== value.length || time === null) return null;
    if (seen >= 0x80 && !isUtf8(value)) return null;
    lines.length = to;
    return { key: keyText, timeMs: time.ms, finer: time.finer };
  };
}

function isAt(value: Buffer, at: number, bytes: Buffer): boolean {
  for (let n = 0; n < bytes.length; n++) if (value[at + n] !== bytes[n]) return false;
  return true;
}

/** Where an integer of JSON ends that starts here; -1: none does. */
function integerEnd(value: Buffer, start: number): number {
  const digits = value[start] === MINUS ? start + 1 : start;
  const end = digitsEnd(value, digits);
  if (end === digits || (end > digits + 1 && value[digits] === ZERO)) return -1;
  return isEnd(value[end]) ? end : -1;
}

/** Whether a bigint holds the integer; false for a few of 19 digits that one would hold, too. */
function isBigint(value: Buffer, start: number, end: number): boolean {
  const digits = value[start] === MINUS ? start + 1 : start;
  return end - digits < BIGINT_DIGITS || (end - digits === BIGINT_DIGITS && value[digits] !== NINE);
}

/** Where a number of JSON without exponent ends that starts here; -1: none does. */
function floatEnd(value: Buffer, start: number): number {
  const digits = value[start] === MINUS ? start + 1 : start;
  let end = digitsEnd(value, digits);
  if (end === digits || (end > digits + 1 && value[digits] === ZERO)) return -1;
  if (value[end] === POINT) {
    const fraction = end + 1;
    end = digitsEnd(value, fraction);
    if (end === fraction) return -1;
  }
  return isEnd(value[end]) ? end : -1;
}

function digitsEnd(value: Buffer, start: number): number {
  let at = start;
  for (let byte = value[at] ?? 0; byte >= ZERO && byte <= NINE; byte = value[at] ?? 0) at++;
  return at;
}

function isEnd(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE;
}

function longWay(value: Buffer, lines: CopyLines, columns: readonly Column[], key: Column): RowFacts {
  const row = decodeRow(value, columns);
  const time = row[TIME_COLUMN] ?? null;
  const timeMs = isoTimeMs(TIME_COLUMN, time);
  const keyText = fieldText(key, row[key.name] ?? null);
  lines.append(copyLine(row, columns));
  return { key: keyText, timeMs, finer: /\.\d{3}(\d+)/.exec(String(time))?.[1] ?? '' };
}
