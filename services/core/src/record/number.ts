/**
 * Decimal numbers in text, read exactly: integers become number or bigint, nothing passes through float64 but floats.
 */
import { RawNumber } from './json.ts';

/** A decimal number: (-1)^negative · digits · 10^exponent. `digits` has no leading zeros; zero is ''. */
export interface Decimal {
  negative: boolean;
  digits: string;
  exponent: number;
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;
const MAX_LENGTH = 1_000;
const INT8_MIN = -(2n ** 63n);
const INT8_MAX = 2n ** 63n - 1n;

/** Parses `12`, `-1.5`, `.5`, `1.594512094385974E9`; null for any other text. */
export function parseDecimal(text: string): Decimal | null {
  if (text.length > MAX_LENGTH) return null;
  const match = DECIMAL.exec(text);
  if (!match) return null;
  const whole = match[2] ?? '';
  const fraction = match[3] ?? '';
  if (whole === '' && fraction === '') return null;
  const digits = (whole + fraction).replace(/^0+/, '');
  return { negative: match[1] === '-', digits, exponent: Number(match[4] ?? 0) - fraction.length };
}

/** The source text of a JSON number or of a number in text (trimmed); null where the value is neither. */
export function numberText(raw: unknown): string | null {
  if (typeof raw === 'string') return raw.trim();
  if (typeof raw === 'number' || typeof raw === 'bigint') return String(raw);
  return raw instanceof RawNumber ? raw.source : null;
}

/**
 * The integer of a decimal text, within PostgreSQL's bigint: `5`, `5.0` and `5e3` are integers, `5.5` is none.
 * @returns a number where it is safe, else a bigint; null where the text is no such integer
 */
export function toInt(text: string): number | bigint | null {
  if (text.length <= 15 && /^-?\d+$/.test(text)) return Number(text) + 0; // + 0: no minus zero
  const decimal = parseDecimal(text);
  if (!decimal) return null;
  const { negative, digits, exponent } = decimal;
  if (digits === '') return 0;
  if (digits.length + exponent > 19) return null;
  if (exponent < 0 && !/^0*$/.test(digits.slice(exponent))) return null;
  const magnitude = BigInt((exponent < 0 ? digits.slice(0, exponent) : digits + '0'.repeat(exponent)) || '0');
  const value = negative ? -magnitude : magnitude;
  return value >= INT8_MIN && value <= INT8_MAX ? narrow(value) : null;
}

/** The float64 nearest to a decimal text; null where the text is no number or beyond float64's range. */
export function toFloat(text: string): number | null {
  if (text.length > MAX_LENGTH || !DECIMAL.test(text)) return null;
  const value = Number(text);
  // Number('') and Number('.') tell nothing: the pattern lets both through.
  return Number.isFinite(value) && /\d/.test(text) ? value : null;
}

/** A number where it is safe, else the bigint itself: the one form of an integer in a row. */
export function narrow(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
