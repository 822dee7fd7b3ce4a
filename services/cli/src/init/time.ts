/**
 * The format of a column of times, decided by all of its texts. A format is only guessed from the shape of some of them; what
 * counts is how many the product's own reader (`core/record/time.ts`) takes.
 */

import { compileTime, isoToEpochMs, type Time, TimeError } from '@millrace/core/record/time.ts';
import { meansMissing, sum } from './column.ts';
import { type Candidate, CLOCK, candidatesOf, ofMatch } from './timeShape.ts';

export interface TimeGuess {
  /** As `record.time.format` has it. */
  format: string;
  /** Of the names of months in it; null: English, or none. */
  locale: string | null;
  /** What it tells: a whole time, only the day, or only the time of day. */
  kind: 'time' | 'date' | 'clock';
  /** Whether every text names its offset. */
  zoned: boolean;
  /** Texts that are no such time, with how often they stand there. */
  others: Map<string, number>;
  /** Whether day and month could be the other way round, and why they were taken so; null: only one way is possible. */
  order: { decided: boolean; reason: string; other: string } | null;
  /** Whether a fraction is finer than a microsecond. */
  nanoseconds: boolean;
}

/** Of the texts of a time column so many are times, at least. */
const LEAST_PART = 0.9;
/** Where its name says that it is one: a short file may end with totals. */
const LEAST_PART_NAMED = 0.6;
const MAX_OTHERS_NAMED = 3;
/** So many texts are asked for their shape. */
const SHAPES = 50;

/** Whether a text looks like a time or a date, as no name of a column does. */
export function looksLikeTime(text: string): boolean {
  return candidatesOf([text]).some((candidate) => {
    const read = readerOf(candidate);
    return read !== null && read(text) !== null;
  });
}

type Reader = (text: string) => string | null;

/** null: the format cannot tell a time. */
function readerOf({ format, locale }: Candidate): Reader | null {
  let time: Time;
  try {
    time = compileTime({ format, ...(locale === null ? {} : { locale }) });
  } catch (error) {
    if (error instanceof TimeError) return null;
    throw error;
  }
  return (text) => {
    try {
      return time.parse(text);
    } catch (error) {
      if (error instanceof TimeError) return null;
      throw error;
    }
  };
}

/**
 * @param inOrder the texts as they follow one another, which may tell day from month
 * @param isNamed whether the name says that it is a time
 */
export function guessTime(
  counts: ReadonlyMap<string, number>,
  inOrder: readonly (string | null)[],
  isNamed = false,
): TimeGuess | null {
  const texts = [...counts.keys()].filter((text) => !meansMissing(text));
  if (texts.length === 0) return null;
  const clock = guessClock(counts, texts);
  if (clock) return clock;
  const shapes = texts.filter((_, at) => at % Math.ceil(texts.length / SHAPES) === 0);
  const all = sum(texts.map((text) => counts.get(text) ?? 0));
  const candidates = [{ format: 'iso', locale: null }, ...candidatesOf(shapes)];
  const tried = candidates.flatMap((candidate) => {
    const read = readerOf(candidate);
    if (read === null) return [];
    const there = sum(texts.map((text) => (read(text) === null ? 0 : (counts.get(text) ?? 0))));
    const isMost = there >= all * LEAST_PART || (isNamed && all - there <= MAX_OTHERS_NAMED && there >= all * LEAST_PART_NAMED);
    return isMost ? [{ ...candidate, read, part: there / all }] : [];
  });
  const most = Math.max(...tried.map(({ part }) => part));
  const [first] = tried.filter(({ part }) => part === most);
  if (!first) return null;
  const swapped = swappedOf(first.format);
  const other = swapped === null ? undefined : tried.find(({ format }) => format === swapped);
  const order = swapped === null ? null : orderOf(first, other, inOrder);
  const chosen = order && other && order.other === first.format ? other : first;
  const { locale } = chosen;
  const { format, read } = padded(chosen, texts);
  const times = texts.filter((text) => read(text) !== null);
  return {
    format,
    locale,
    kind: (format === 'iso' ? times.some((text) => /:\d/.test(text)) : /[Hh]/.test(format.replace(/'[^']*'/g, '')))
      ? 'time'
      : 'date',
    zoned: times.every((text) => /(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$/i.test(text) && /[:T]\d|\d{4}Z/i.test(text)),
    others: new Map([...counts].filter(([text]) => meansMissing(text) || read(text) === null)),
    order: order && { ...order, other: paddedLike(order.other === format ? chosen.format : order.other, format) },
    nanoseconds: times.some((text) => /\.\d{6}\d*[1-9]/.test(read(text) ?? '')),
  };
}

function swappedOf(format: string): string | null {
  const match = /^(.*?)(d|M)([-/. ])(d|M)(\3yy.*)$/.exec(format);
  return match ? `${match[1]}${match[4]}${match[3]}${match[2]}${match[5]}` : null;
}

interface Tried extends Candidate {
  read: Reader;
  part: number;
}

/** Which of day and month comes first. `other` is the format that was not taken. */
function orderOf(first: Tried, other: Tried | undefined, inOrder: readonly (string | null)[]): NonNullable<TimeGuess['order']> {
  const dayFirst = (format: string): boolean => format.indexOf('d') < format.indexOf('M');
  const says = (format: string): string => (dayFirst(format) ? 'day before month' : 'month before day');
  if (!other || other.part < first.part) {
    const what = dayFirst(first.format) ? 'first' : 'second';
    return { decided: true, reason: `${says(first.format)}: a ${what} number is above 12`, other: swappedOf(first.format) ?? '' };
  }
  const [a, b] = [isSorted(first.read, inOrder), isSorted(other.read, inOrder)];
  if (a !== b) {
    const [taken, left] = a ? [first, other] : [other, first];
    return { decided: true, reason: `${says(taken.format)}: only so do the rows stand in order of time`, other: left.format };
  }
  const usual = /a$/.test(first.format) ? 'month before day' : 'day before month';
  const [taken, left] = says(first.format) === usual ? [first, other] : [other, first];
  return {
    decided: false,
    reason: `${says(taken.format)} is ASSUMED: every date in it can be read both ways`,
    other: left.format,
  };
}

function isSorted(read: Reader, inOrder: readonly (string | null)[]): boolean {
  let last = Number.NEGATIVE_INFINITY;
  let changes = 0;
  for (const text of inOrder) {
    const time = text === null ? null : read(text.trim());
    if (time === null) continue;
    const ms = isoToEpochMs(time);
    if (ms < last) return false;
    if (ms > last) changes++;
    last = ms;
  }
  return changes > 2;
}

const CLOCK_BEGINS = /(?:^|[ T,:_-])\d{1,2}[:.]\d\d(?:[:. ]|$)/;
/** What shows that a part of a text has two digits always (`05`): of a date, of the hours. */
const PADDED = {
  date: (text: string): boolean =>
    /(?<!\d)0\d(?!\d)/.test(text.slice(0, text.search(CLOCK_BEGINS) === -1 ? undefined : text.search(CLOCK_BEGINS))),
  hour: (text: string): boolean => /(?:^|[ T,:_-])0\d[:.]\d\d/.test(text.slice(Math.max(0, text.search(CLOCK_BEGINS)))),
};
const TOKENS = [
  ['d', 'date'],
  ['M', 'date'],
  ['H', 'hour'],
  ['h', 'hour'],
] as const;

/** With two digits where all have them and one shows it; else the tokens that take one or two. */
function padded({ format, locale, read }: Omit<Tried, 'part'>, texts: readonly string[]): { format: string; read: Reader } {
  let best = { format, read };
  if (format === 'iso') return best;
  for (const [token, part] of TOKENS) {
    const candidate = doubled(best.format, token);
    if (candidate === best.format || !texts.some(PADDED[part])) continue;
    const reader = readerOf({ format: candidate, locale });
    if (reader && texts.every((text) => best.read(text) === null || reader(text) !== null))
      best = { format: candidate, read: reader };
  }
  return best;
}

function doubled(format: string, token: string): string {
  return format.replace(new RegExp(`(?<![A-Za-z])${token}(?!${token})`), token + token);
}

/** The other order in the tokens of this one. */
function paddedLike(other: string, format: string): string {
  return TOKENS.reduce((text, [token]) => (format.includes(token + token) ? doubled(text, token) : text), other);
}

/** Times of day alone: their format goes behind that of the date. */
function guessClock(counts: ReadonlyMap<string, number>, texts: readonly string[]): TimeGuess | null {
  const formats = new Set(
    texts.map((text) => {
      const [format, length] = ofMatch(CLOCK.exec(text));
      return length === text.length ? format : null;
    }),
  );
  formats.delete(null);
  for (const one of formats) {
    const date = 'yyyy-MM-dd ';
    const plain = readerOf({ format: `${date}${one}`, locale: null });
    if (plain === null) continue;
    const read =
      (reader: Reader): Reader =>
      (text) =>
        reader(`2001-01-01 ${text}`);
    const others = new Map([...counts].filter(([text]) => read(plain)(text) === null));
    if (sum(others.values()) > sum(counts.values()) * (1 - LEAST_PART)) continue;
    const { format } = padded(
      { format: `${date}${one}`, locale: null, read: plain },
      texts.filter((text) => !others.has(text)).map((text) => `2001-01-01 ${text}`),
    );
    return {
      format: format.slice(date.length),
      locale: null,
      kind: 'clock',
      zoned: false,
      others,
      order: null,
      nanoseconds: false,
    };
  }
  return null;
}

/** Numbers since 1970, by their formats in a spec: how many of the unit are a second. */
export const EPOCHS: ReadonlyMap<string, number> = new Map([
  ['epoch_s', 1],
  ['epoch_ms', 1e3],
  ['epoch_us', 1e6],
  ['epoch_ns', 1e9],
]);
/** What lies before 1990 or more than a year ahead is taken for a number: the counter of a radio is no time. */
const EARLIEST_S = 631_152_000;
const AHEAD_S = 366 * 86_400;

/** The unit in which numbers are times since 1970; null where they are none of our days. */
export function guessEpoch(numbers: Iterable<number>, nowMs = Date.now()): string | null {
  const all = [...numbers];
  const latest = nowMs / 1_000 + AHEAD_S;
  const found = [...EPOCHS].find(([, unit]) => all.every((number) => number >= EARLIEST_S * unit && number <= latest * unit));
  return all.length > 0 && found ? found[0] : null;
}
