/**
 * How a column writes its numbers: decimal mark, thousands marks, a unit behind them. A column is numeric where nearly all of
 * its texts are numbers in one way of writing; what is not is named, and never changed into a number.
 */
import { parseDecimal, toInt } from '@millrace/core/record/number.ts';
import { meansMissing, sum } from './column.ts';

export interface NumberGuess {
  type: 'int' | 'float';
  decimal: '.' | ',';
  /** Characters to take away before it is read. */
  strip: string;
  /** What stands behind every number. */
  unit: string | null;
  /** Texts that are none, with how often they stand there. */
  others: Map<string, number>;
  /** The numbers, with how often they stand there. */
  numbers: Map<number, number>;
  /** Whether a comma may as well be another mark than it was taken for. */
  ambiguous: boolean;
}

interface Style {
  decimal: '.' | ',';
  thousands: string;
  pattern: RegExp;
}

const EXPONENT = '(?:[eE][-+]?\\d{1,3})?';
const STYLES: readonly Style[] = [
  { decimal: '.', thousands: '', pattern: new RegExp(`^[-+]?(?:\\d+\\.?\\d*|\\.\\d+)${EXPONENT}$`) },
  { decimal: '.', thousands: ',', pattern: /^[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?$/ },
  { decimal: ',', thousands: '', pattern: new RegExp(`^[-+]?(?:\\d+,?\\d*|,\\d+)${EXPONENT}$`) },
  { decimal: ',', thousands: '.', pattern: /^[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?$/ },
  { decimal: '.', thousands: "'", pattern: /^[-+]?\d{1,3}(?:'\d{3})*(?:\.\d+)?$/ },
  { decimal: '.', thousands: ' \u00a0\u202f', pattern: /^[-+]?\d{1,3}(?:[ \u00a0\u202f]\d{3})*(?:\.\d+)?$/ },
  { decimal: ',', thousands: ' \u00a0\u202f', pattern: /^[-+]?\d{1,3}(?:[ \u00a0\u202f]\d{3})*(?:,\d+)?$/ },
];
/** Of the texts of a numeric column so many are numbers, at least; the others are few different words. */
const LEAST_PART = 0.9;
const MAX_WORDS = 8;
/** More digits of a whole number than float64 keeps. */
const LONG = /\d{16}/;

/**
 * @param preferred the decimal mark where the column alone does not tell (`1,234`)
 * @returns null where the column is no numeric one, or one that a number cannot hold exactly (codes such as 0071, more than 64 bits)
 */
export function guessNumber(counts: ReadonlyMap<string, number>, preferred: '.' | ','): NumberGuess | null {
  const known = [...counts].filter(([text]) => !meansMissing(text));
  const unit = unitBehind(known.map(([text]) => text));
  const values = known.map(([text, count]): [string, number] => [withoutUnit(text, unit), count]);
  const all = sum(values.map(([, count]) => count));
  if (all === 0) return null;
  const fits = STYLES.map((style) => ({ style, part: fitting(values, style) }));
  const best = Math.max(...fits.map(({ part }) => part));
  if (best < all * LEAST_PART) return null;
  const equal = fits.filter(({ part }) => part === best).map(({ style }) => style);
  const style = equal.find(({ decimal }) => decimal === preferred) ?? (equal[0] as Style);
  const numeric = values.filter(([text]) => style.pattern.test(text));
  const words = known.filter(([text]) => !style.pattern.test(withoutUnit(text, unit)));
  if (words.length > MAX_WORDS) return null;
  const plain = numeric.map(([text, count]): [string, number] => [plainText(text, style), count]);
  if (plain.some(([text]) => /^[-+]?0\d+$/.test(text))) return null; // a code
  const isInt = plain.every(([text]) => /^[-+]?\d+$/.test(text));
  if (isInt ? plain.some(([text]) => toInt(text) === null) : plain.some(([text]) => LONG.test(text) && /^[-+]?\d+$/.test(text)))
    return null;
  const marks = numeric.some(([text]) => [...style.thousands].some((mark) => text.includes(mark)));
  const behind = unit === null ? '' : [...new Set(` ${unit}`)].filter((mark) => !/[\d.,eE+-]/.test(mark)).join('');
  const numbers = new Map<number, number>();
  for (const [text, count] of plain) numbers.set(Number(text), (numbers.get(Number(text)) ?? 0) + count);
  return {
    type: isInt ? 'int' : 'float',
    decimal: plain.some(([text]) => text.includes('.')) || marks ? style.decimal : '.',
    strip: `${marks ? style.thousands : ''}${behind}`,
    unit,
    others: new Map([...counts].filter(([text]) => meansMissing(text) || words.some(([word]) => word === text))),
    numbers,
    ambiguous: new Set(equal.map(({ decimal }) => decimal)).size > 1 && numeric.some(([text]) => /[,.]/.test(text)),
  };
}

function fitting(values: readonly [string, number][], { pattern }: Style): number {
  return sum(values.map(([text, count]) => (pattern.test(text) ? count : 0)));
}

function plainText(text: string, { decimal, thousands }: Style): string {
  const joined = [...text].filter((mark) => !thousands.includes(mark)).join('');
  return decimal === ',' ? joined.replace(',', '.') : joined;
}

/** The same few letters or signs behind every number, such as %; null where there are none. */
function unitBehind(texts: readonly string[]): string | null {
  const found = new Set(texts.map((text) => /^[-+]?[\d.,]*\d\s?([^\d\s.,+-][^\d.,+-]{0,6})$/.exec(text)?.[1] ?? ''));
  const [only = ''] = found;
  return found.size === 1 && only !== '' && parseDecimal(`1${only}`) === null && !/[eE]/.test(only) ? only : null;
}

function withoutUnit(text: string, unit: string | null): string {
  return unit !== null && text.endsWith(unit) ? text.slice(0, -unit.length).trim() : text;
}
