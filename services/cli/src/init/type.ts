/** What a column is, apart from the time of the record: the rule of its field, and what a person should know of it. */

import { parseDecimal } from '@millrace/core/record/number.ts';
import { PointError, parsePoint } from '@millrace/core/record/point.ts';
import type { Field } from '@millrace/core/spec/record.ts';
import { meansMissing, sum, times } from './column.ts';
import { type DecimalMark, guessNumber, type NumberGuess } from './number.ts';
import { guessSentinels, type Sentinel } from './sentinel.ts';
import type { TimeGuess } from './time.ts';

export interface TypeGuess {
  /** Without `from`, `required` and `unit` of the header. */
  field: Pick<Field, 'type' | 'strip' | 'decimal' | 'nulls' | 'format' | 'locale' | 'zone' | 'unit'>;
  notes: string[];
  /** Of a number all that are values. */
  numbers?: number[];
}

export interface TypeContext {
  /** The decimal mark of the file, where a column alone does not tell. */
  preferred: DecimalMark;
  /** Numbers that stand for "no value" in some column of the file. */
  sentinels: ReadonlySet<number>;
  zone: string;
  /** Whether its name says that it is measured: such a column may hold fractions later. */
  measured: boolean;
  /** Whether its name asks for a boolean. */
  flag: boolean;
  /** Whether its name is that of a version: 2.10 is not 2.1, and after 2.1 may come 2.1.1. */
  versioned: boolean;
  /** Whether its name says that it counts or numbers something. */
  counted: boolean;
  /** Whether it holds numbers of JSON. */
  isNumber: boolean;
}

const WORDS: readonly (readonly [string, string])[] = [
  ['true', 'false'],
  ['yes', 'no'],
  ['on', 'off'],
  ['y', 'n'],
  ['t', 'f'],
];
/** No value in a text either, where a column holds nothing else; a word such as offline is one there. */
const NOTHING = /^(?:#?n\/?a|nan|null|mm|-+|\*+|\?+|\.+)$/i;
/** The spec takes so many. */
const MAX_NULLS = 16;

/** @param time what it tells as a time, where it does */
export function guessType(counts: ReadonlyMap<string, number>, time: TimeGuess | null, context: TypeContext): TypeGuess {
  if (counts.size === 0) return { field: { type: 'text' }, notes: ['empty in all that was looked at'] };
  if ([...counts.keys()].every((text) => NOTHING.test(text)))
    return { field: { type: 'text', ...nullsOf(counts.keys()) }, notes: ['no value in all that was looked at'] };
  return (
    guessPoint(counts) ??
    (time && time.kind !== 'clock' ? timeField(time, context.zone) : null) ??
    guessBool(counts, context.flag) ??
    (context.versioned && !context.isNumber ? null : guessNumeric(counts, context)) ?? {
      field: { type: 'text' },
      notes: textNotes(counts),
    }
  );
}

function guessPoint(counts: ReadonlyMap<string, number>): TypeGuess | null {
  const isPoint = (text: string): boolean => {
    try {
      parsePoint(text);
      return true;
    } catch (error) {
      if (error instanceof PointError) return false;
      throw error;
    }
  };
  const texts = [...counts.keys()].filter((text) => !meansMissing(text));
  if (texts.length === 0 || !texts.every(isPoint)) return null;
  return { field: { type: 'point', ...nullsOf([...counts.keys()].filter(meansMissing)) }, notes: ['columns _lat and _lon'] };
}

function timeField({ format, locale, zoned, others, order }: TimeGuess, zone: string): TypeGuess {
  const field = {
    type: 'time' as const,
    ...(format === 'iso' ? {} : { format }),
    ...(locale === null ? {} : { locale }),
    ...(zoned ? {} : { zone }),
    ...nullsOf(others.keys()),
  };
  const notes = order === null ? [] : [order.decided ? order.reason : `${order.reason}; else format: ${order.other}`];
  return { field, notes: [...notes, ...nullNotes(others)] };
}

function guessBool(counts: ReadonlyMap<string, number>, flag: boolean): TypeGuess | null {
  const words = new Set([...counts.keys()].filter((text) => !meansMissing(text)).map((text) => text.toLowerCase()));
  const missing = [...counts.keys()].filter(meansMissing);
  const pair = WORDS.find((both) => [...words].every((word) => both.includes(word)));
  const isWord = pair !== undefined && words.size > 0 && (words.size === 2 || pair[0].length > 1);
  const isDigit = flag && words.size > 0 && [...words].every((word) => word === '0' || word === '1');
  if (!isWord && !isDigit) return null;
  return {
    field: { type: 'bool', ...nullsOf(missing) },
    notes: isDigit ? ['0 and 1'] : words.has('true') || words.has('false') ? [] : [[...words].sort().join(' and ')],
  };
}

function guessNumeric(counts: ReadonlyMap<string, number>, context: TypeContext): TypeGuess | null {
  const guess = guessNumber(counts, context.preferred, context.isNumber);
  if (guess === null) return null;
  const sentinels = guessSentinels(guess.numbers, context.sentinels);
  const gone = new Set(sentinels.map(({ value }) => value));
  const left = [...guess.numbers.keys()].filter((value) => !gone.has(value) && Number.isFinite(value));
  const { type, decimal, strip, unit, others, ambiguous } = guess;
  const isSafe = left.every(Number.isSafeInteger);
  const isFloat =
    type === 'float' ||
    left.length === 0 ||
    (isSafe && (context.measured || (context.isNumber && mayGetFraction(left, guess, context))));
  const field: TypeGuess['field'] = {
    type: isFloat ? 'float' : 'int',
    ...(strip === '' ? {} : { strip }),
    ...(decimal === ',' ? { decimal } : {}),
    ...nullsOf([...sentinels.map(({ value }) => value), ...others.keys()]),
    ...(unit === null ? {} : { unit }),
  };
  const marks = ambiguous === decimal ? 'decimal' : 'thousands';
  const name = ambiguous === ',' ? 'comma' : 'point';
  return {
    field,
    numbers: left,
    notes: [
      ...(left.length === 0 ? [] : [rangeOf(left)]),
      ...(ambiguous === null || context.preferred.isSure ? [] : [`the ${name} is ASSUMED to be the ${marks} mark`]),
      ...sentinels.map(sentinelNote),
      ...nullNotes(others),
    ],
  };
}

/** A few messages of a device say little: what is no count, no flag and no code may come with a fraction tomorrow. */
function mayGetFraction(left: readonly number[], { numbers }: NumberGuess, { counted }: TypeContext): boolean {
  const isFlag = left.every((value) => value === 0 || value === 1);
  return !counted && !isFlag && sum(numbers.values()) < ENOUGH;
}

/** So many whole numbers, and there will be no others. */
const ENOUGH = 1_000;

function rangeOf(values: readonly number[]): string {
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return least === most ? `always ${least}` : `${least} to ${most}`;
}

function sentinelNote({ value, count, reason }: Sentinel): string {
  return `${value} (${times(count)}) is taken for "no value": ${reason}`;
}

function nullNotes(others: ReadonlyMap<string, number>): string[] {
  if (others.size === 0) return [];
  const shown = [...others].slice(0, 4).map(([text, count]) => `${JSON.stringify(text.slice(0, 20))} (${times(count)})`);
  return [`${shown.join(', ')}${others.size > 4 ? ' …' : ''} ${others.size === 1 ? 'is' : 'are'} no value: NULL`];
}

function nullsOf(values: Iterable<string | number>): Pick<Field, 'nulls'> {
  const nulls = [...new Set(values)].slice(0, MAX_NULLS);
  return nulls.length === 0 ? {} : { nulls };
}

function textNotes(counts: ReadonlyMap<string, number>): string[] {
  const texts = [...counts.keys()];
  if (texts.every((text) => /^[-+]?\d+$/.test(text)))
    return [
      texts.some((text) => /^[-+]?0\d/.test(text))
        ? 'leading zeros: text, so that they stay'
        : 'longer than a whole number of 64 bits: text',
    ];
  const numbers = texts.filter((text) => parseDecimal(text) !== null);
  if (numbers.length > 0 && numbers.length < texts.length) {
    const [other = ''] = texts.filter((text) => parseDecimal(text) === null);
    const count = sum(numbers.map((text) => counts.get(text) ?? 0));
    if (count * 2 >= sum(counts.values()))
      return [
        `${count} of ${sum(counts.values())} are numbers; ${JSON.stringify(other.slice(0, 20))} is none: type: float with nulls: [ … ] takes such texts for no value`,
      ];
  }
  const isFew = texts.length <= 5 && sum(counts.values()) > 2 * texts.length && texts.every((text) => text.length < 20);
  return isFew ? [texts.join(', ')] : [];
}
