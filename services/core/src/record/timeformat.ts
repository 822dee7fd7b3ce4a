/**
 * Times in a user's own format, in Luxon's tokens (https://moment.github.io/luxon/#/parsing), with the names of months and weekdays
 * of a language as Intl has them.
 *
 * Luxon makes the tokens and the pattern; the parts are read here, since Luxon itself is five times too slow for every
 * record and cuts fractions to milliseconds. Invariant: nothing that the text does not say is filled in, but for the
 * time of day in a format that has none (midnight).
 */
import { DateTime, Info } from 'luxon';
import { TimeError } from './timeerror.ts';

/** What a text says: a wall-clock time as if it were UTC, and the offset or zone if it names one. */
export interface Wall {
  /** Whole seconds, as ms. */
  wallMs: number;
  fraction: string;
  offsetMs: number | null;
  zone: string | null;
}

export interface TimeFormat {
  /** Whether every text names its offset or zone. */
  zoned: boolean;
  /** null: the text is not in this format, or is no date. */
  read(text: string): Wall | null;
  /** Writes a UTC time as the zone's wall clock; `nanos` is the fraction of its second. */
  write(utcMs: number, nanos: number, zone: string): string;
}

type Unit =
  | 'year'
  | 'month'
  | 'day'
  | 'ordinal'
  | 'hour'
  | 'hour of 12'
  | 'AM or PM'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'weekday'
  | 'offset'
  | 'zone';

interface Token {
  unit: Unit;
  read(text: string): number;
}

const DEFAULT_LOCALE = 'en-US';
const number = (unit: Unit): Token => ({ unit, read: Number });
/** As Luxon's pattern takes them: points may be left out (`févr` for `févr.`), and a space may be a wide one. */
const plainName = (text: string): string => text.replaceAll('.', '').replaceAll('\u00a0', ' ').toLowerCase();
const named = (unit: Unit, names: string[], first: number): Token => {
  const values = new Map(names.map((name, at) => [plainName(name), at + first]));
  return { unit, read: (text) => values.get(plainName(text)) ?? Number.NaN };
};
// As Luxon's twoDigitCutoffYear has it: 61 to 99 are 19xx.
const twoDigitYear: Token = {
  unit: 'year',
  read: (text) => (text.length > 2 ? Number(text) : Number(text) > 60 ? 1900 + Number(text) : 2000 + Number(text)),
};

/** Tokens that read the same in every language. */
const NUMBERS: Record<string, Token> = {
  yy: twoDigitYear,
  ...each(['y', 'yyyy', 'yyyyy', 'yyyyyy'], number('year')),
  ...each(['M', 'MM', 'L', 'LL'], number('month')),
  ...each(['d', 'dd'], number('day')),
  ...each(['o', 'ooo'], number('ordinal')),
  ...each(['H', 'HH'], number('hour')),
  ...each(['h', 'hh'], number('hour of 12')),
  ...each(['m', 'mm'], number('minute')),
  ...each(['s', 'ss'], number('second')),
  ...each(['S', 'SSS', 'u', 'uu', 'uuu'], number('fraction')),
  ...each(['E', 'c'], number('weekday')),
  ...each(['Z', 'ZZ', 'ZZZ'], number('offset')),
  z: number('zone'),
};

/** Names beside a day of the month (MMM) and alone (LLL) differ in some languages; weekdays the other way round, as Luxon reads them. */
function namesIn(locale: string): Record<string, Token> {
  const language = { locale };
  return {
    MMM: named('month', Info.monthsFormat('short', language), 1),
    MMMM: named('month', Info.monthsFormat('long', language), 1),
    LLL: named('month', Info.months('short', language), 1),
    LLLL: named('month', Info.months('long', language), 1),
    EEE: named('weekday', Info.weekdays('short', language), 1),
    EEEE: named('weekday', Info.weekdays('long', language), 1),
    ccc: named('weekday', Info.weekdaysFormat('short', language), 1),
    cccc: named('weekday', Info.weekdaysFormat('long', language), 1),
    a: named('AM or PM', Info.meridiems(language), 0),
  };
}

/** Whether Intl knows the language of a BCP 47 tag. */
export function isLocale(tag: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf([tag]).length === 1;
  } catch (error) {
    if (error instanceof RangeError) return false; // no such tag
    throw error;
  }
}

function each(names: string[], token: Token): Record<string, Token> {
  return Object.fromEntries(names.map((name) => [name, token]));
}

interface Part {
  /** The token as written, such as `MMM`. */
  text: string;
  token: Token;
  /** Group of the pattern that it stands in. */
  group: number;
}

/**
 * @param locale of the names in it
 * @throws TimeError where the format cannot tell a time, holds a token that means nothing when reading, or there is no such language
 */
export function compileFormat(format: string, locale = DEFAULT_LOCALE): TimeFormat {
  if (!isLocale(locale))
    throw new TimeError(`locale ${JSON.stringify(locale)} is no language; allowed is a BCP 47 tag such as de or fr`);
  const known: Record<string, Token> = { ...NUMBERS, ...namesIn(locale) };
  const { tokens, regex } = DateTime.fromFormatExplain('', format, { locale });
  if (!regex) throw new TimeError(`format ${JSON.stringify(format)} cannot be read; allowed are Luxon tokens`);
  const parts: Part[] = [];
  let group = 1;
  for (const { literal, val } of tokens) {
    const token = literal ? undefined : known[val];
    if (token) parts.push({ text: val, token, group });
    else if (!literal && /[A-Za-z]/.test(val)) {
      throw new TimeError(
        `format ${JSON.stringify(format)} has ${JSON.stringify(val)}; allowed are ${Object.keys(known).join(' ')}, and other letters in single quotes, such as 'T'`,
      );
    }
    group += token?.unit === 'offset' ? 3 : 1;
  }
  checkUnits(format, parts);
  const has = (unit: Unit): boolean => parts.some(({ token }) => token.unit === unit);
  return {
    zoned: has('offset') || has('zone'),
    read: (text) => {
      const match = regex.exec(text);
      return match && readParts(parts, match);
    },
    write: (utcMs, nanos, zone) => {
      const time = DateTime.fromMillis(utcMs, { zone, locale });
      return tokens
        .map(({ literal, val }) => (literal ? val : /^[Su]/.test(val) ? fractionText(val, nanos) : time.toFormat(val)))
        .join('');
    },
  };
}

function checkUnits(format: string, parts: Part[]): void {
  const units = parts.map(({ token }) => token.unit);
  const has = (unit: Unit): boolean => units.includes(unit);
  const twice = units.find((unit, at) => units.indexOf(unit) !== at);
  const wrong = (what: string): never => {
    throw new TimeError(`format ${JSON.stringify(format)} ${what}`);
  };
  if (twice) wrong(`has the ${twice} twice; letters that are no token stand in single quotes, such as 'T'`);
  if (!has('year') || !(has('ordinal') || (has('month') && has('day'))))
    wrong('has no whole date; needed are year, month and day');
  if (has('ordinal') && (has('month') || has('day')))
    wrong('has the day twice; allowed is month and day, or the day of the year');
  if (has('hour') && has('hour of 12')) wrong('has the hour twice');
  if (has('hour of 12') !== has('AM or PM')) wrong('has h or a alone; allowed is h with a, or H');
  const times: boolean[] = [has('hour') || has('hour of 12'), has('minute'), has('second'), has('fraction')];
  if (times.some((present, at) => present && times[at - 1] === false)) {
    wrong('leaves a part out; needed is the hour before minutes, minutes before seconds, seconds before a fraction');
  }
}

function readParts(parts: Part[], match: RegExpExecArray): Wall | null {
  let year = 0;
  let month = 1;
  let day = 1;
  let ordinal = 0;
  let hour = 0;
  let minute = 0;
  let second = 0;
  let meridiem = 0;
  let weekday = 0;
  const wall: Wall = { wallMs: 0, fraction: '', offsetMs: null, zone: null };
  for (const { text, token, group } of parts) {
    const part = match[group] as string;
    const value = token.read(part);
    switch (token.unit) {
      case 'year':
        year = value;
        break;
      case 'month':
        month = value;
        break;
      case 'day':
        day = value;
        break;
      case 'ordinal':
        ordinal = value;
        if (ordinal < 1 || ordinal > 366) return null;
        break;
      case 'hour of 12':
        if (value < 1 || value > 12) return null;
        hour = value % 12;
        break;
      case 'hour':
        hour = value;
        break;
      case 'AM or PM':
        meridiem = value;
        break;
      case 'minute':
        minute = value;
        break;
      case 'second':
        second = value;
        break;
      case 'fraction':
        wall.fraction = text.startsWith('S') ? part.padStart(3, '0') : part;
        break;
      case 'weekday':
        weekday = value;
        break;
      case 'offset':
        wall.offsetMs = offsetMs(match[group + 1] as string, match[group + 2] ?? '0');
        if (wall.offsetMs === null) return null;
        break;
      case 'zone':
        wall.zone = part;
    }
  }
  const wallMs = wallClock(year, month, day, meridiem === 1 ? hour + 12 : hour, minute, second);
  if (wallMs === null) return null;
  wall.wallMs = wallMs;
  if (ordinal !== 0) {
    wall.wallMs += (ordinal - 1) * 86_400_000;
    if (ordinal === 366 && new Date(wall.wallMs).getUTCFullYear() !== year) return null;
  }
  return weekday !== 0 && (new Date(wall.wallMs).getUTCDay() || 7) !== weekday ? null : wall;
}

/** Offset from UTC of `+02` and `30`; null where it is no offset. */
export function offsetMs(hours: string, minutes: string): number | null {
  const [h, m] = [Math.abs(Number(hours)), Number(minutes)];
  if (h > 18 || m > 59) return null;
  return (hours.startsWith('-') ? -1 : 1) * (h * 60 + m) * 60_000;
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const FOUR_CENTURIES_MS = 146_097 * 86_400_000;

/** A wall-clock time as if it were UTC ms; null where there is no such date or time. 24:00:00 is the next midnight. */
export function wallClock(year: number, month: number, day: number, hour: number, minute: number, second: number): number | null {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= (DAYS[month - 1] as number))) return null;
  if (month === 2 && day === 29 && !(year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))) return null;
  if (!(hour <= 23 && minute <= 59 && second <= 59) && !(hour === 24 && minute === 0 && second === 0)) return null;
  // Date.UTC takes the years 0 to 99 for 19xx; the calendar repeats after 400 years.
  return Date.UTC(year + 400, month - 1, day, hour, minute, second) - FOUR_CENTURIES_MS;
}

function fractionText(token: string, nanos: number): string {
  const digits = String(nanos).padStart(9, '0');
  if (token === 'S') return String(Number(digits.slice(0, 3)));
  if (token === 'SSS') return digits.slice(0, 3);
  if (token === 'uu') return digits.slice(0, 2);
  return token === 'uuu' ? digits.slice(0, 1) : digits.replace(/(?:000){1,2}$/, '');
}
