/**
 * Reads and writes JSON without changing a digit.
 *
 * Invariants:
 * - A number that float64 holds exactly is a number; an integer beyond ±2^53 is a bigint; any other number (more digits
 *   than float64 keeps, or an exponent beyond its range) is a `RawNumber` with its source text. So nothing is rounded
 *   before somebody asks for a float.
 * - Bytes that are no UTF-8 are refused, never replaced by U+FFFD. A byte order mark at the start is skipped.
 * - Nesting is bounded, and where it is asked for the number of values and names, before anything is parsed (`jsonScan.ts`).
 * - Of duplicate keys the last counts, as in JSON.parse; a key `__proto__` is an ordinary own property.
 *
 * Plain JSON.parse does the work unless the text may hold such a number: a reviver makes it 2 to 4 times slower.
 */
import { isUtf8 } from 'node:buffer';
import { JsonError, type JsonLimits, NO_LIMITS, scan } from './jsonScan.ts';

export { JsonError };

/** Longest integer that becomes a bigint; longer ones stay text (`RawNumber`), since BigInt(text) is not linear. */
const MAX_BIGINT_DIGITS = 400;

/** A number that float64 cannot hold exactly, as it stood in the source. */
export class RawNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  toJSON(): unknown {
    return rawJson(this.source);
  }
}

// Node 24 has both (https://github.com/tc39/proposal-json-parse-with-source); TypeScript's library does not know them yet.
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/**
 * Parses JSON exactly (see the top of this file).
 * @throws JsonError
 */
export function parseJson(input: Buffer | string, limits: JsonLimits = NO_LIMITS): unknown {
  const text = typeof input === 'string' ? withoutMark(input) : decodeUtf8(input);
  const inexact = scan(text, limits);
  return parsed(text, () => (inexact ? parseWithSource(text, exactly) : JSON.parse(text)));
}

/**
 * The same for who looks at no number: they are float64, and may have lost digits. Several times faster where a number is long, such as
 * a time in nanoseconds.
 * @throws JsonError
 */
export function parseJsonWithoutDigits(input: Buffer, limits: JsonLimits): unknown {
  const text = decodeUtf8(input);
  scan(text, limits);
  return parsed(text, () => JSON.parse(text));
}

function parsed(text: string, parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    throw new JsonError(text.trim() === '' ? 'not JSON: the text is empty' : `not JSON: ${(error as Error).message}`);
  }
}

/** Writes what `parseJson` read, digit by digit. @throws RangeError for a number that JSON has no text for */
export function stringifyJson(value: unknown): string {
  if (isPlain(value)) return JSON.stringify(value);
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'bigint') return rawJson(member.toString());
    if (typeof member === 'number') {
      if (!Number.isFinite(member)) throw new RangeError(`JSON has no text for the number ${member}`);
      if (Object.is(member, -0)) return rawJson('-0');
    }
    return member;
  });
}

/**
 * Text of UTF-8 bytes, without a byte order mark.
 * @throws JsonError where they are not UTF-8
 */
export function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new JsonError('not UTF-8: the bytes are no valid UTF-8 text; allowed is UTF-8 only');
  return withoutMark(bytes.toString());
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function exactly(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined) return value;
  if (/^-?\d+$/.test(source)) {
    if (Number.isSafeInteger(value)) return value;
    return source.length <= MAX_BIGINT_DIGITS ? BigInt(source) : new RawNumber(source);
  }
  if (String(value) === source) return value;
  const mantissa = (source.split(/[eE]/, 1)[0] as string).replace(/[-.]/g, '').replace(/^0+/, '');
  if (/^0*$/.test(mantissa)) return value;
  const size = Math.abs(value);
  return mantissa.length <= 15 && size > 1e-300 && size < 1e300 ? value : new RawNumber(source);
}

/** Whether JSON.stringify alone writes the members of an object exactly: most are flat, and a replacer is slow. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every(
    (member) =>
      typeof member === 'string' ||
      typeof member === 'boolean' ||
      member === null ||
      (typeof member === 'number' && Number.isFinite(member) && member !== 0),
  );
}
