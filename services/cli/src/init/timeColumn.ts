/** Which column is the time of a record, or which ones together: by name, by what they tell, and by whether every row has it. */
import { compileTime, isoToEpochMs, TimeError } from '@millrace/core/record/time.ts';
import { type Column, countTexts, sum } from './column.ts';
import { wordsOf } from './name.ts';
import { guessNumber } from './number.ts';
import { EPOCHS, guessEpoch, guessTime, type TimeGuess } from './time.ts';

export interface TimeColumn {
  column: Column;
  guess: TimeGuess;
}

export interface RecordTime {
  /** The paths of the time: one, or a date and a time of day, or year, month, day … */
  paths: string[];
  format: string;
  guess: TimeGuess | null;
  reason: string;
}

const NAMED =
  /(?:^|_)(?:time|timestamp|date|datetime|ts|t|dt|epoch|stamp|utc|when|at|zeit|datum|zeitpunkt|zeitstempel|horodatage|fecha|created|updated|modified)(?:_|$)/;

/** What a column tells as a time; null where it is none. Numbers count as times since 1970 where the name says so, or nothing else fits. */
export function timeOf(column: Column): TimeGuess | null {
  const counts = countTexts(column);
  const named = NAMED.test(wordsOf(column.path).join('_'));
  const numeric = guessNumber(counts, { mark: '.', isSure: true });
  if (numeric && !(numeric.type === 'int' && /^\d{8}(?:\d{4}|\d{6})?$/.test([...counts.keys()][0] ?? ''))) {
    const format = guessEpoch(numeric.numbers.keys());
    if (format === null || numeric.strip !== '' || numeric.decimal === ',') return null;
    // A counter may look like seconds; what nothing names is asked to rise only.
    if (!named && ((format === 'epoch_s' && !column.unnamed) || !isRising(column))) return null;
    const nanoseconds = format === 'epoch_ns' && [...counts.keys()].some((text) => !/000$/.test(text));
    return { format, kind: 'time', zoned: true, locale: null, others: numeric.others, order: null, nanoseconds };
  }
  const guess = guessTime(counts, column.texts, named);
  return guess && numeric && !named ? null : guess;
}

function isRising({ texts }: Column): boolean {
  const numbers = texts.flatMap((text) => (text === null || text.trim() === '' ? [] : [Number(text)]));
  return numbers.length > 2 && numbers.every((number, at) => at === 0 || number >= (numbers[at - 1] ?? 0));
}

/** So far from the times that a record has in words no number of it is one since 1970. */
const FAR_MS = 366 * 86_400_000;

/**
 * Without numbers that count something else, such as the microseconds of a radio: they lie far from the times that are known.
 * @param others beside those among `times` that are written in words
 */
export function withoutCounters(times: readonly TimeColumn[], others: readonly TimeColumn[] = []): TimeColumn[] {
  const isEpoch = ({ guess }: TimeColumn): boolean => EPOCHS.has(guess.format);
  const sure = [...times.filter((time) => !isEpoch(time)), ...others];
  const known = sure.filter(({ guess }) => guess.kind !== 'clock').flatMap(millisecondsOf);
  if (known.length === 0) return [...times];
  const [least, most] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  return times.filter((time) => !isEpoch(time) || millisecondsOf(time).every((ms) => ms > least - FAR_MS && ms < most + FAR_MS));
}

/** Of all texts that are such a time. */
function millisecondsOf({ column, guess: { format, locale, others } }: TimeColumn): number[] {
  const { parse } = compileTime({ format, ...(locale === null ? {} : { locale }) });
  return [...countTexts(column).keys()].flatMap((text) => {
    if (others.has(text)) return [];
    try {
      return [isoToEpochMs(parse(text))];
    } catch (error) {
      if (error instanceof TimeError) return [];
      throw error;
    }
  });
}

/** Of each record whether it has the time, in all columns that it stands in. */
export function isTimeOf({ paths, guess }: RecordTime, columns: readonly Column[]): boolean[] {
  const found = columns.filter(({ path }) => paths.includes(path));
  return (found[0]?.texts ?? []).map((_, at) =>
    found.every(({ texts }) => {
      const text = texts[at]?.trim() ?? '';
      return text !== '' && guess?.others.has(text) !== true;
    }),
  );
}

/** The time of a record; null where no column tells one. */
export function guessRecordTime(times: readonly TimeColumn[], columns: readonly Column[]): RecordTime | null {
  const whole = times.filter(({ guess }) => guess.kind === 'time').toSorted((a, b) => scoreOf(b) - scoreOf(a));
  const dates = times.filter(({ guess }) => guess.kind === 'date').toSorted((a, b) => scoreOf(b) - scoreOf(a));
  const clocks = times.filter(({ guess }) => guess.kind === 'clock').toSorted((a, b) => scoreOf(b) - scoreOf(a));
  const [best] = whole;
  const [date] = dates;
  const [clock] = clocks;
  const bestScore = best ? scoreOf(best) : Number.NEGATIVE_INFINITY;
  if (date && clock && scoreOf(date) >= bestScore) {
    const format =
      date.guess.format === 'iso'
        ? clock.guess.format.startsWith('HH:mm')
          ? 'iso'
          : `yyyy-MM-dd ${clock.guess.format}`
        : `${date.guess.format} ${clock.guess.format}`;
    const order = date.guess.order && { ...date.guess.order, other: `${date.guess.order.other} ${clock.guess.format}` };
    const others = new Map([...date.guess.others, ...clock.guess.others]);
    const guess = { ...date.guess, kind: 'time' as const, format, order, others };
    return { paths: [date.column.path, clock.column.path], format, guess, reason: 'a date and a time of day, in two columns' };
  }
  if (best) return one(best);
  const parts = guessParts(columns);
  if (parts) return parts;
  const hour = date && columns.find(({ path }) => /^(?:hour|hr|hh|stunde)$/.test(wordsOf(path).join('_')));
  if (date && hour && isWithin(hour, 0, 24)) {
    const format = `${date.guess.format === 'iso' ? 'yyyy-MM-dd' : date.guess.format} H`;
    return {
      paths: [date.column.path, hour.path],
      format,
      guess: { ...date.guess, format, order: null },
      reason: 'a date and an hour, in two columns',
    };
  }
  return date ? one(date) : null;
}

function one({ column, guess }: TimeColumn): RecordTime {
  const missing = column.texts.filter((text) => text === null || text.trim() === '').length;
  const gaps =
    missing === 0 ? 'every record has it' : `${missing} of ${column.texts.length} records do not have it, and are refused`;
  return { paths: [column.path], format: guess.format, guess, reason: `the name, and ${gaps}` };
}

/** Year, month, day and what is finer, each in a column of its own. */
function guessParts(columns: readonly Column[]): RecordTime | null {
  const parts = [
    [/^(?:year|yr|yyyy|yy|jahr|annee|ano)$/, 'yyyy', 1900, 2200],
    [/^(?:month|mon|mo|MM|monat|mois|mes)$/, 'M', 1, 12],
    [/^(?:day|dd|dy|dom|tag|jour|dia)$/, 'd', 1, 31],
    [/^(?:hour|hr|hh|stunde|heure|hora)$/, 'H', 0, 24],
    [/^(?:minute|min|mi|mn|mm)$/, 'm', 0, 59],
    [/^(?:second|sec|ss)$/, 's', 0, 59],
  ] as const;
  const found: { path: string; token: string }[] = [];
  const isUnnamed = columns.slice(0, 3).every(({ unnamed }) => unnamed) && columns.length > 3;
  for (const [pattern, token, least, most] of parts) {
    // MM is the month, mm the minute: of two letters that differ in this alone the case counts.
    const column = columns.find(({ path }, at) => {
      // Without any names the first columns are the parts, as long as they can be.
      if (isUnnamed) return at === found.length;
      const name = path.replace(/^#\s*/, '');
      return pattern.test(/^mm$/i.test(name) ? name : wordsOf(name).join('_'));
    });
    if (!column || !isWithin(column, least, most) || (isUnnamed && !isPadded(column, token))) break;
    found.push({ path: column.path, token });
  }
  if (found.length < 3) return null;
  const format = found.map(({ token }) => token).join(' ');
  const reason = isUnnamed
    ? 'nothing names the columns, and that the first ones are the parts of a time is ASSUMED'
    : 'the parts of a time, in columns of their own';
  return { paths: found.map(({ path }) => path), format, guess: null, reason };
}

/** Whether a column without a name is written as a part of a time is: all texts equally long. */
function isPadded(column: Column, token: string): boolean {
  return [...countTexts(column).keys()].every(({ length }) => length === (token === 'yyyy' ? 4 : 2));
}

function isWithin(column: Column, least: number, most: number): boolean {
  const counts = countTexts(column);
  return (
    counts.size > 0 && [...counts.keys()].every((text) => /^\d{1,4}$/.test(text) && Number(text) >= least && Number(text) <= most)
  );
}

const BY_NAME: readonly (readonly [RegExp, number])[] = [
  [/^(?:time|timestamp|time_stamp|datetime|date_time|ts|t|when|zeit|zeitstempel|zeitpunkt|datum|date|fecha)$/, 50],
  [/modified|updated|changed/, 25],
  [/created|inserted|install|expir|due|start|end|begin|birth/, 15],
  [/timestamp|datetime|date_time|event|measur|observ|record|sample|reading|capture|log/, 45],
  [/time|date|(?:^|_)(?:at|ts|utc)(?:_|$)|zeit|datum|when/, 30],
];

function scoreOf({ column, guess }: TimeColumn): number {
  const name = wordsOf(column.path.split('.').at(-1) ?? '').join('_');
  const named = BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? 5;
  const there = sum(countTexts(column).values()) - sum(guess.others.values());
  return named - (1 - there / Math.max(1, column.texts.length)) * 60 + (guess.zoned ? 3 : 0);
}
