/**
 * Looks at a JSON text before it is parsed: what it holds too much of, and whether a number in it needs care.
 *
 * Invariant: what passes `RECORD_LIMITS` is parsed and written again within the time and memory of a role. A record that
 * keeps the event loop for longer than a consumer group's session (6 s) would lose its partition to the next try, for ever.
 */

/** Deepest nesting of arrays and objects that is read: walking a parsed value cannot overflow the stack. */
export const MAX_JSON_DEPTH = 100;

export interface JsonLimits {
  /** Values in all, at whatever depth. */
  values: number;
  /** Different names of members in all. */
  names: number;
}

export const NO_LIMITS: JsonLimits = { values: Number.POSITIVE_INFINITY, names: Number.POSITIVE_INFINITY };

/**
 * Of a raw record. One of a mebibyte, the default of record.maxBytes, holds about as many and no more. Names cost most: an
 * object of a million is a table of 100 MB, made twice where `extra` keeps it (13 s and 435 MiB, measured).
 */
export const RECORD_LIMITS: JsonLimits = { values: 600_000, names: 131_072 };

/** Text that is not JSON, is not UTF-8, or holds too much of something. The message is for people. */
export class JsonError extends Error {
  override name = 'JsonError';
}

/** So many digits survive float64 whatever they are. */
const SAFE_DIGITS = 15;

/**
 * Looks at what stands outside of strings: whether a number there may lose digits in float64.
 * @throws JsonError where arrays and objects are nested deeper than allowed, or values or names are too many
 */
export function scan(text: string, limits: JsonLimits): boolean {
  let depth = 0;
  let values = 1; // about: one more for each comma and each bracket that opens
  let members = 0;
  let digits = 0; // of the number at hand, with its exponent
  let inexact = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      if (++digits > SAFE_DIGITS) inexact = true;
    } else if (code === 0x65 || code === 0x45) {
      // The third digit of an exponent is one too many: 1e100 and beyond are looked at closely.
      if (digits > 0) digits = SAFE_DIGITS - 2;
    } else if (code !== 0x2e && code !== 0x2b && code !== 0x2d) {
      digits = 0;
      if (code === 0x22) at = closingQuote(text, at + 1);
      else if (code === 0x2c) values++;
      else if (code === 0x3a) members++;
      else if (code === 0x5b || code === 0x7b) {
        values++;
        if (++depth > MAX_JSON_DEPTH)
          throw new JsonError(`nested too deeply at character ${at}; allowed are ${MAX_JSON_DEPTH} levels`);
      } else if (code === 0x5d || code === 0x7d) depth--;
    }
  }
  if (members > limits.names && hasMoreNames(text, limits.names))
    throw new JsonError(
      `${members} members of more than ${limits.names} different names; allowed are at most ${limits.names} different names in one record`,
    );
  if (values > limits.values) throw new JsonError(`about ${values} values; allowed are at most ${limits.values} in one record`);
  return inexact;
}

/** Whether the members have more different names than `most`. Looked at closely only where there are so many members. */
function hasMoreNames(text: string, most: number): boolean {
  const names = new Set<string>();
  for (let quote = text.indexOf('"'); quote !== -1 && names.size <= most; ) {
    const end = closingQuote(text, quote + 1);
    let next = end + 1;
    while (isSpace(text.charCodeAt(next))) next++;
    if (text.charCodeAt(next) === 0x3a) names.add(text.slice(quote + 1, end));
    quote = text.indexOf('"', next);
  }
  return names.size > most;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function closingQuote(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote;
  }
  return text.length; // not closed: JSON.parse says so
}
