/** The formats that a text may be in as a time, by its shape alone: dates, what stands between, times of day, offsets. */
import { monthsNamed } from '@millrace/core/record/monthNames.ts';

/** A format, and the language of the months in it; null: English, or none. */
export interface Candidate {
  format: string;
  locale: string | null;
}

/** Formats that texts may be in, by their shape: a reader then says which of them are. */
export function candidatesOf(texts: readonly string[]): Candidate[] {
  const found = new Map<string, Candidate>();
  const add = (text: string, locale: string | null, standing: boolean): void => {
    for (const { formats: dates, rest } of datesOf(text)) {
      const clock = clockOf(rest);
      if (clock === null) continue;
      for (const date of dates) {
        const format = (standing ? date.replace(/M{3,4}/, (token) => token.replaceAll('M', 'L')) : date) + clock;
        found.set(`${locale} ${format}`, { format, locale });
      }
    }
  };
  for (const text of texts) {
    add(text, null, false);
    // The first long word of a date in another language is its month: read as if it were an English one.
    const word = /^(?=.*\d).*?(\p{L}{3,}\.?)/u.exec(text)?.[1];
    for (const { locale, token } of word === undefined ? [] : monthsNamed(word)) {
      const english = token.length === 3 ? 'Jan' : 'January';
      add(text.replace(word as string, english), locale, token.startsWith('L'));
    }
  }
  return [...found.values()];
}

const MONTH = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*';
export const CLOCK = /^(\d{1,2})([:.])(\d{2})(?:\2(\d{2})(?:([.,])(\d{1,9}))?)?(?:(\s?)([AaPp][Mm]))?/;
const ZONE = /^(\s?)(?:(Z|UTC|GMT)|([+-]\d{2}:\d{2})|([+-]\d{4})|([+-]\d{2}))$/;

/** Formats of the date that a text begins with, and what follows it. */
function datesOf(text: string): { formats: string[]; rest: string }[] {
  const [, weekday = '', after = text] = /^((?:mon|tue|wed|thu|fri|sat|sun)[a-z]*(?:,? ))?(.*)$/is.exec(text) ?? [];
  const day =
    weekday === '' ? '' : `${weekday.replace(/[, ]/g, '').length > 3 ? 'EEEE' : 'EEE'}${weekday.replace(/^[a-z]+/i, '')}`;
  const named = (month: string): string => (month.length > 3 ? 'MMMM' : 'MMM');
  const found: { formats: string[]; rest: string }[] = [];
  const add = (match: RegExpExecArray | null, formats: (groups: string[]) => string[]): void => {
    if (match) found.push({ formats: formats([...match]).map((format) => day + format), rest: after.slice(match[0].length) });
  };
  add(/^\d{4}([-/. ])\d{1,2}\1\d{1,2}(?!\d)/.exec(after), ([, s]) => [`yyyy${s}M${s}d`]);
  add(/^\d{1,2}([-/. ])\d{1,2}\1(\d{4}|\d{2})(?!\d)/.exec(after), ([, s, year = '']) => {
    const y = year.length === 4 ? 'yyyy' : 'yy';
    const dayFirst = `d${s}M${s}${y}`;
    return s === '.' ? [dayFirst] : [dayFirst, `M${s}d${s}${y}`]; // nobody writes a month before points
  });
  add(
    new RegExp(`^\\d{1,2}( de |[-/. ]{0,2})(${MONTH})( de |[-/., ]{0,2})(\\d{4}|\\d{2})(?!\\d)`, 'i').exec(after),
    ([, a = '', month = '', b = '', year = '']) => [
      `d${literal(a)}${named(month)}${literal(b)}${year.length === 4 ? 'yyyy' : 'yy'}`,
    ],
  );
  add(new RegExp(`^(${MONTH})([-/. ])\\d{1,2}(,? ?|[-/.])(\\d{4})(?!\\d)`, 'i').exec(after), ([, month = '', a, b]) => [
    `${named(month)}${a}d${b}yyyy`,
  ]);
  add(new RegExp(`^\\d{4}([-/. ])(${MONTH})\\1\\d{1,2}(?!\\d)`, 'i').exec(after), ([, s, month = '']) => [
    `yyyy${s}${named(month)}${s}d`,
  ]);
  add(/^(?:19|20|21)\d{6}/.exec(after), () => ['yyyyMMdd']);
  return found;
}

/** The format of a time of day and what stands around it; null where it is none. `''` is no time of day at all. */
function clockOf(rest: string): string | null {
  if (rest === '') return '';
  // Beside T and marks a short word, as in "12 févr. 2024 à 08:00"
  const [joint = ''] = /^(?:,? \p{L}{1,3} (?=\d)|[T ,:_-]{0,2})/iu.exec(rest) ?? [];
  const clock = rest.slice(joint.length);
  const before = literal(joint);
  const digits = /^(?:\d{6}|\d{4})(?=$|Z)/.exec(clock)?.[0];
  const match = CLOCK.exec(clock);
  const [format, length] = digits !== undefined ? [digits.length === 6 ? 'HHmmss' : 'HHmm', digits.length] : ofMatch(match);
  if (format === null) return null;
  const tail = clock.slice(length);
  if (tail === '') return before + format;
  const zone = ZONE.exec(tail);
  if (!zone) return null;
  const [, space = '', word, colon, plain] = zone;
  return `${before}${format}${space}${word !== undefined ? `'${word}'` : colon !== undefined ? 'ZZ' : plain !== undefined ? 'ZZZ' : 'Z'}`;
}

/** Letters as a format has them that are no token. */
function literal(text: string): string {
  return text.replace(/\p{L}+/gu, (letters) => `'${letters}'`);
}

/** The format of a time of day that `CLOCK` found, and how long it is; null where it found none. */
export function ofMatch(match: RegExpExecArray | null): [string | null, number] {
  if (!match) return [null, 0];
  const [whole, , separator, , second, mark, , space, half] = match;
  const seconds = second === undefined ? '' : `${separator}ss${mark === undefined ? '' : `${mark}u`}`;
  return [`${half === undefined ? 'H' : 'h'}${separator}mm${seconds}${half === undefined ? '' : `${space}a`}`, whole.length];
}
