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
  /** The mark that may as well be the other one than it was taken for; null: there is one way to read them only. */
  ambiguous: ',' | '.' | null;
}

/** The decimal mark of a file, and whether some column of it can be read in this way only. */
export interface DecimalMark {
  mark: '.' | ',';
  isSure: boolean;
}

interface Style {
  decimal: '.' | ',';
  thousands: string;
  pattern: RegExp;
}

const EXPONENT = '(?:[eE][-+]?\\d{1,3})?';
const STYLES: readonly Style[] = [
  { decimal: '.', thousands: '', pattern: new RegExp(`^[-+]?(?:\\d+\\.?\\d*|\\.\\d+)${EXPONENT}$`) },
  { decimal: '.', thousands: ',', pattern: /^[-+]?(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?$/ },
  { decimal: ',', thousands: '', pattern: new RegExp(`^[-+]?(?:\\d+,?\\d*|,\\d+)${EXPONENT}$`) },
  { decimal: ',', thousands: '.', pattern: /^[-+]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d+)(?:,\d+)?$/ },
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
 * @param isNumber whether they are numbers of JSON, which have a decimal point and no thousands marks
 * @returns null where the column is no numeric one, or one that a number cannot hold exactly (codes such as 0071, more than 64 bits)
 */
export function guessNumber(counts: ReadonlyMap<string, number>, preferred: DecimalMark, isNumber = false): NumberGuess | null {
  const known = [...counts].filter(([text]) => !meansMissing(text));
  const texts = known.map(([text]) => text);
  const sign = signBefore(texts);
  const unit = unitBehind(texts) ?? sign;
  const values = known.map(([text, count]): [string, number] => [withoutUnit(text, unit), count]);
  const all = sum(values.map(([, count]) => count));
  if (all === 0) return null;
  const fits = STYLES.map((style) => ({ style, part: fitting(values, style) }));
  const best = Math.max(...fits.map(({ part }) => part));
  if (best < all * LEAST_PART) return null;
  const equal = fits.filter(({ part }) => part === best).map(({ style }) => style);
  // Three digits behind each point are a fraction: of thousands, some number would be below one.
  const isFraction = !preferred.isSure && values.every(([text]) => /^[-+]?\d+\.\d{3}$/.test(text));
  const mark = isNumber || isFraction ? '.' : preferred.mark;
  const style = equal.find(({ decimal }) => decimal === mark) ?? (equal[0] as Style);
  const numeric = values.filter(([text]) => style.pattern.test(text));
  const words = known.filter(([text]) => !style.pattern.test(withoutUnit(text, unit)));
  if (words.length > MAX_WORDS) return null;
  const plain = numeric.map(([text, count]): [string, number] => [plainText(text, style), count]);
  if (plain.some(([text]) => /^[-+]?0\d+$/.test(text))) return null; // a code
  const isInt = plain.every(([text]) => /^[-+]?\d+$/.test(text));
  if (isInt ? plain.some(([text]) => toInt(text) === null) : plain.some(([text]) => LONG.test(text) && /^[-+]?\d+$/.test(text)))
    return null;
  const marks = numeric.some(([text]) => [...style.thousands].some((mark) => text.includes(mark)));
  const behind =
    unit === null ? '' : [...new Set(unit === sign ? sign : ` ${unit}`)].filter((mark) => !/[\d.,eE+-]/.test(mark)).join('');
  const numbers = new Map<number, number>();
  for (const [text, count] of plain) numbers.set(Number(text), (numbers.get(Number(text)) ?? 0) + count);
  return {
    type: isInt ? 'int' : 'float',
    decimal: plain.some(([text]) => text.includes('.')) || marks ? style.decimal : '.',
    strip: `${marks ? style.thousands : ''}${behind}`,
    unit,
    others: new Map([...counts].filter(([text]) => meansMissing(text) || words.some(([word]) => word === text))),
    numbers,
    ambiguous:
      isNumber || new Set(equal.map(({ decimal }) => decimal)).size === 1
        ? null
        : ((/[,.]/.exec(numeric.map(([text]) => text).join(' '))?.[0] as ',' | '.' | undefined) ?? null),
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

/** The same sign of a currency before every number. */
function signBefore(texts: readonly string[]): string | null {
  const [only = ''] = texts.map((text) => /^[-+]?([$€£¥])[\d.]/.exec(text)?.[1] ?? '');
  return only !== '' && texts.every((text) => text.replace(/^[-+]/, '').startsWith(only)) ? only : null;
}

function withoutUnit(text: string, unit: string | null): string {
  if (unit === null) return text;
  return text.endsWith(unit) ? text.slice(0, -unit.length).trim() : text.replace(unit, '');
}
