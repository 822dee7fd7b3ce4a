/**
 * Times from whatever a source wrote, exact to the digit.
 *
 * Invariants:
 * - A time is UTC text `YYYY-MM-DDTHH:MM:SS[.fraction]Z` with as many fraction digits as came, at most nine (what is
 *   finer than a nanosecond is cut). Never through float64, never `now`, never moved.
 * - Years are 0001 to 9999 in UTC: what ISO 8601 can write with four digits, and well within PostgreSQL's range. Milliseconds
 *   taken for seconds land beyond and are refused.
 * - A local time that its zone skipped is refused; one that it passed twice means the earlier.
 */
import type { TimeRule } from '../spec/record.ts';
import { numberText, parseDecimal } from './number.ts';
import { TimeError } from './timeerror.ts';
import { compileFormat, offsetMs, type Wall, wallClock } from './timeformat.ts';
import { type Zone, zoneOf } from './zone.ts';

export { TimeError } from './timeerror.ts';

export interface Time {
  /** UTC text (see above) of a text, number, bigint or RawNumber. @throws TimeError saying what is allowed */
  parse(raw: unknown): string;
  /** Writes epoch nanoseconds in the rule's own (first) format and zone, for a replay that shifts its clock. */
  format(epochNs: bigint): string;
}

/** Decimal places of the unit of each epoch format. */
const EPOCH_DIGITS: Record<string, number> = { epoch_s: 0, epoch_ms: 3, epoch_us: 6, epoch_ns: 9 };
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;
const SECOND_NS = 1_000_000_000n;

/** Compiles `record.time` or the time rule of a field. @throws TimeError where format, zone or locale cannot work */
export function compileTime({ format = 'iso', zone = 'UTC', locale }: Pick<TimeRule, 'format' | 'zone' | 'locale'>): Time {
  const [first, ...others] = [format].flat().map((one) => compileOne(one, zone, locale));
  if (first === undefined) throw new TimeError('there is no format; allowed is at least one');
  if (others.length === 0) return first;
  return { parse: (raw) => parseAny([first, ...others], raw), format: first.format };
}

/** As the first that can. @throws TimeError with what each of them allows */
function parseAny(times: readonly Time[], raw: unknown): string {
  const problems = new Set<string>();
  for (const { parse } of times) {
    try {
      return parse(raw);
    } catch (error) {
      if (!(error instanceof TimeError)) throw error;
      problems.add(error.message);
    }
  }
  throw new TimeError([...problems].join('; or '));
}

function compileOne(format: string, zoneName: string, locale: string | undefined): Time {
  const zone = zoneOf(zoneName);
  if (!zone) throw new TimeError(`zone ${JSON.stringify(zoneName)} is unknown; allowed is an IANA zone such as America/Chicago`);
  const epochDigits = EPOCH_DIGITS[format];
  if (epochDigits !== undefined) {
    return { parse: (raw) => parseEpoch(raw, format, epochDigits), format: (ns) => writeEpoch(ns, epochDigits) };
  }
  if (format === 'iso') {
    const allowed = 'ISO 8601 such as 2025-04-15T18:52:00Z';
    return { parse: (raw) => resolve(readIso(textOf(raw, allowed)), zone, allowed), format: epochNsToIso };
  }
  const compiled = compileFormat(format, locale);
  const allowed = `the format ${JSON.stringify(format)}`;
  return {
    parse: (raw) => resolve(compiled.read(textOf(raw, allowed)), zone, allowed),
    format: (ns) => {
      const nanos = ((ns % SECOND_NS) + SECOND_NS) % SECOND_NS;
      return compiled.write(Number((ns - nanos) / 1_000_000n), Number(nanos), zone.name);
    },
  };
}

/** Epoch nanoseconds of a time that `parse` gave. @throws TimeError for any other text */
export function isoToEpochNs(iso: string): bigint {
  const { seconds, fraction } = splitIso(iso);
  return BigInt(seconds) * SECOND_NS + BigInt(fraction.padEnd(9, '0'));
}

/** Epoch milliseconds of a time that `parse` gave, rounded down. @throws TimeError for any other text */
export function isoToEpochMs(iso: string): number {
  const { seconds, fraction } = splitIso(iso);
  return seconds * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
}

/** UTC text with 0, 3, 6 or 9 fraction digits. @throws TimeError beyond the years 0001 to 9999 */
export function epochNsToIso(epochNs: bigint): string {
  const nanos = ((epochNs % SECOND_NS) + SECOND_NS) % SECOND_NS;
  const digits = nanos
    .toString()
    .padStart(9, '0')
    .replace(/(?:000){1,3}$/, '');
  return isoText(Number((epochNs - nanos) / SECOND_NS), digits);
}

function splitIso(iso: string): { seconds: number; fraction: string } {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(iso);
  const ms = match ? Date.parse(`${match[1]}Z`) : Number.NaN;
  if (Number.isNaN(ms)) throw new TimeError(`${JSON.stringify(iso)} is no UTC time; allowed is YYYY-MM-DDTHH:MM:SS[.fraction]Z`);
  return { seconds: ms / 1000, fraction: match?.[2] ?? '' };
}

function isoText(seconds: number, fraction: string): string {
  if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS))
    throw new TimeError('the time is out of range; allowed are the years 0001 to 9999');
  const day = Math.floor(seconds / 86_400);
  let date = dates.get(day);
  if (date === undefined) {
    date = `${new Date(day * 86_400_000).toISOString().slice(0, 10)}T`;
    if (dates.size >= MAX_DATES) dates.clear();
    dates.set(day, date);
  }
  const second = seconds - day * 86_400;
  const minute = Math.floor(second / 60);
  const clock = `${date}${TWO_DIGITS[Math.floor(minute / 60)]}:${TWO_DIGITS[minute % 60]}:${TWO_DIGITS[second % 60]}`;
  return fraction === '' ? `${clock}Z` : `${clock}.${fraction.slice(0, 9)}Z`;
}

const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));
// Writing a date is slow, and a feed has few.
const dates = new Map<number, string>();
const MAX_DATES = 10_000;

function textOf(raw: unknown, allowed: string): string {
  const text = numberText(raw);
  if (text === null) throw new TimeError(`it is no text; allowed is ${allowed}`);
  return text;
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ?(?:([Zz])|([+-]\d\d)(?::?(\d\d))?))?)?$/;

/** ISO 8601 in its extended form: date, or date and time to the minute, second or fraction, with or without an offset. */
function readIso(text: string): Wall | null {
  const match = ISO.exec(text);
  if (!match) return null;
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = '', utc, hours, minutes = '0'] = match;
  if (Number(hour) === 24 && /[1-9]/.test(fraction)) return null;
  const wallMs = wallClock(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second));
  if (wallMs === null) return null;
  if (hours === undefined) return { wallMs, fraction, offsetMs: utc === undefined ? null : 0, zone: null };
  const offset = offsetMs(hours, minutes);
  return offset === null ? null : { wallMs, fraction, offsetMs: offset, zone: null };
}

function resolve(wall: Wall | null, defaultZone: Zone, allowed: string): string {
  if (wall === null) throw new TimeError(`it is no such time; allowed is ${allowed}`);
  const { wallMs, fraction } = wall;
  if (wall.offsetMs !== null) return isoText((wallMs - wall.offsetMs) / 1000, fraction);
  const zone = wall.zone === null ? defaultZone : zoneOf(wall.zone);
  if (!zone) throw new TimeError(`the zone ${JSON.stringify(wall.zone)} is unknown; allowed is an IANA zone`);
  const utcMs = zone.toUtc(wallMs);
  if (utcMs === null) throw new TimeError(`the clocks of ${zone.name} skipped it; allowed is a time that was`);
  return isoText(utcMs / 1000, fraction);
}

function parseEpoch(raw: unknown, format: string, unitDigits: number): string {
  if (Number.isSafeInteger(raw)) {
    const unit = 10 ** unitDigits;
    const seconds = Math.floor((raw as number) / unit);
    const rest = (raw as number) - seconds * unit;
    return isoText(seconds, unitDigits === 0 ? '' : String(rest).padStart(unitDigits, '0'));
  }
  const decimal = parseDecimal(numberText(raw) ?? '');
  if (!decimal) throw new TimeError(`it is no number; allowed is ${format}, such as 1594512094.385 for epoch_s`);
  const { negative, digits } = decimal;
  const exponent = decimal.exponent - unitDigits;
  if (digits !== '' && digits.length + exponent > 12) return isoText(Number.NaN, ''); // beyond the year 9999
  const whole = Number((exponent < 0 ? digits.slice(0, exponent) : digits + '0'.repeat(digits === '' ? 0 : exponent)) || '0');
  const fraction = exponent < 0 ? digits.slice(exponent).padStart(-exponent, '0').slice(0, 9) : '';
  if (!negative) return isoText(whole, fraction);
  if (/^0*$/.test(fraction)) return isoText(-whole, fraction);
  return isoText(-whole - 1, String(10 ** fraction.length - Number(fraction)).padStart(fraction.length, '0'));
}

function writeEpoch(epochNs: bigint, unitDigits: number): string {
  const unit = 10n ** BigInt(9 - unitDigits);
  const magnitude = epochNs < 0n ? -epochNs : epochNs;
  const rest = magnitude % unit;
  const fraction =
    rest === 0n
      ? ''
      : `.${rest
          .toString()
          .padStart(9 - unitDigits, '0')
          .replace(/0+$/, '')}`;
  return `${epochNs < 0n ? '-' : ''}${magnitude / unit}${fraction}`;
}
