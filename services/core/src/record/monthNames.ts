/** In which language a date names its month: Intl knows the names, this only asks it. */
import { Info } from 'luxon';

/** A language and Luxon's token for the name of a month as it stands in a text. */
export interface MonthName {
  locale: string;
  token: 'MMM' | 'MMMM' | 'LLL' | 'LLLL';
}

/** Tried where a month is no English one. */
const LOCALES = 'de fr es it nl pt pl sv da nb fi cs sk sl hr hu ro tr el ru uk bg et lv lt ca is id'.split(' ');

let known: Map<string, MonthName[]> | null = null;

/** What a word may be as the name of a month in another language than English; points and capitals do not count. */
export function monthsNamed(word: string): readonly MonthName[] {
  known ??= allMonths();
  return known.get(plain(word)) ?? [];
}

function allMonths(): Map<string, MonthName[]> {
  const months = new Map<string, MonthName[]>();
  for (const locale of LOCALES) {
    const lists = [
      ['MMMM', Info.monthsFormat('long', { locale })],
      ['MMM', Info.monthsFormat('short', { locale })],
      ['LLLL', Info.months('long', { locale })],
      ['LLL', Info.months('short', { locale })],
    ] as const;
    for (const [token, names] of lists)
      for (const name of names) {
        if (!/^\p{L}/u.test(name)) continue; // some languages have numbers for short names
        const found = months.get(plain(name)) ?? [];
        months.set(plain(name), [...found, { locale, token }]);
      }
  }
  return months;
}

function plain(name: string): string {
  return name.replaceAll('.', '').toLowerCase();
}
