/**
 * Times as the processor mostly writes them, `"2026-01-02T03:04:05.123456Z"` in JSON, read by byte. Pure.
 *
 * Invariant: what is read here is what `isoTimeMs` and `microseconds` (copyText.ts) give; anything they take beyond that (another
 * zone, 24:00) is not plain.
 */
export interface PlainTime {
  /** Behind the closing quote. */
  end: number;
  /** Epoch ms, further digits cut. */
  ms: number;
  /** Those further digits. */
  finer: string;
  /** Digits of the fraction. */
  digits: number;
}

const [QUOTE, COLON, MINUS, POINT, ZERO, T, Z] = [0x22, 0x3a, 0x2d, 0x2e, 0x30, 0x54, 0x5a];
const [DAY_CHARACTERS, SECOND_CHARACTERS] = [10, 19];
/** Digits of a fraction of a second that PostgreSQL keeps. */
const KEPT_DIGITS = 6;

/** Times of a feed lie close together: the day is reckoned once for many of them. */
let knownDay = -1;
let knownDayMs = 0;

/** The time whose opening quote stands at `at`; null where none that is plain does. */
export function plainTimeAt(value: Buffer, at: number): PlainTime | null {
  const start = at + 1;
  const separated =
    value[at] === QUOTE &&
    value[start + 4] === MINUS &&
    value[start + 7] === MINUS &&
    value[start + DAY_CHARACTERS] === T &&
    value[start + 13] === COLON &&
    value[start + 16] === COLON;
  if (!separated) return null;
  const day = pair(value, start) * 1e6 + pair(value, start + 2) * 1e4 + pair(value, start + 5) * 100 + pair(value, start + 8);
  const [hour, minute, second] = [pair(value, start + 11), pair(value, start + 14), pair(value, start + 17)];
  if (Number.isNaN(day) || !(hour < 24 && minute < 60 && second < 60)) return null;
  if (day !== knownDay) {
    const ms = Date.parse(`${value.toString('latin1', start, start + DAY_CHARACTERS)}T00:00:00Z`);
    if (Number.isNaN(ms)) return null;
    knownDay = day;
    knownDayMs = ms;
  }
  let end = start + SECOND_CHARACTERS;
  let digits = 0;
  let fractionMs = 0;
  if (value[end] === POINT) {
    end++;
    for (let digit = digitAt(value, end); digit <= 9; digit = digitAt(value, ++end)) {
      if (digits < 3) fractionMs = fractionMs * 10 + digit;
      digits++;
    }
    if (digits === 0) return null;
    for (let n = digits; n < 3; n++) fractionMs *= 10;
  }
  if (value[end] !== Z || value[end + 1] !== QUOTE) return null;
  const ms = knownDayMs + ((hour * 60 + minute) * 60 + second) * 1_000 + fractionMs;
  const finer = digits > 3 ? value.toString('latin1', end - digits + 3, end) : '';
  return { end: end + 2, ms, finer, digits };
}

/** Writes a time that was found at `at`, with at most six digits of its fraction. @returns where it ends in `out` */
export function writeMicroseconds({ end, digits }: PlainTime, value: Buffer, at: number, out: Buffer, to: number): number {
  const shown = end - 2 - Math.max(0, digits - KEPT_DIGITS);
  let next = to;
  for (let from = at + 1; from < shown; from++) out[next++] = value[from] as number;
  out[next++] = Z;
  return next;
}

/** The number that two digits are; NaN where they are none. */
function pair(value: Buffer, at: number): number {
  const tens = digitAt(value, at);
  const ones = digitAt(value, at + 1);
  return tens <= 9 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** 0 to 9, or more: no digit. */
function digitAt(value: Buffer, at: number): number {
  return ((value[at] ?? 0) - ZERO) & 0xff;
}
