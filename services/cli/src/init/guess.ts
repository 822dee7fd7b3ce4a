/** All guesses about a sample, put together: what the Pipeline says, with a note on each. Pure. */
import type { Field } from '@millrace/core/spec/record.ts';
import { type Column, countTexts } from './column.ts';
import { guessKey } from './key.ts';
import { Names, safeName, wordsOf } from './name.ts';
import { type DecimalMark, guessNumber } from './number.ts';
import { guessPositions } from './position.ts';
import type { Columns } from './records.ts';
import { guessSentinels } from './sentinel.ts';
import { guessRecordTime, isTimeOf, type RecordTime, type TimeColumn, timeOf, withoutCounters } from './timeColumn.ts';
import { guessType } from './type.ts';
import { guessUnit } from './unit.ts';

export interface GuessedField {
  name: string;
  field: Field;
  notes: string[];
}

export interface Guess {
  time: RecordTime;
  /** null: nothing names a device, and a field of its own says so in each row. */
  key: { name: string; reason: string } | null;
  keyName: string;
  /** Column and first value of what may be the zone of times that name none; null: there is no such column. */
  zoneSays: string | null;
  fields: GuessedField[];
  /** Columns that nothing names and that hold nothing. */
  leftOut: string[];
  /** Numeric columns worth a roll-up. */
  measured: string[];
}

export interface GuessOptions {
  zone: string;
  /** Names the only device, where no column does. */
  device: string;
  /** The path of the array whose elements are the records, as `record.each` has it; null: none. */
  each: string | null;
  /** Whether a point in a column's name leads into an object. */
  isNested: boolean;
  /** Whether a comma is likely to be the decimal mark: the delimiter is none. */
  commaLikely: boolean;
}

/** @returns null where no column tells a time: without one there is no Pipeline */
export function guess({ columns }: Columns, options: GuessOptions): Guess | null {
  const filled = columns.filter((column) => !column.unnamed || countTexts(column).size > 0);
  const found = timesIn(filled);
  const time = guessRecordTime(withoutCounters(found), filled);
  if (time === null) return null;
  const isTime = new Set(time.paths);
  // What has no time is refused, such as a row of totals: it says nothing of the other columns.
  const timed = isTimeOf(time, columns);
  const rest = filled
    .filter(({ path }) => !isTime.has(path))
    .map((column) => ({ ...column, texts: column.texts.filter((_, at) => timed[at]) }));
  const ofRecord = found.filter(({ column }) => isTime.has(column.path));
  const timeByColumn = new Map(withoutCounters(timesIn(rest), ofRecord).map(({ column, guess: each }) => [column, each]));
  const counts = new Map(rest.map((column) => [column, countTexts(column)]));
  const preferred = preferredMark([...counts], options.commaLikely);
  const numeric = [...counts].flatMap(([{ isNumber }, texts]) => guessNumber(texts, preferred, isNumber) ?? []);
  const sentinels = new Set(numeric.flatMap(({ numbers }) => guessSentinels(numbers, new Set()).map(({ value }) => value)));

  const typed = rest.map((column) => {
    const words = wordsOf(column.path);
    const named = guessUnit(column.path, words);
    const context = {
      preferred,
      sentinels,
      zone: options.zone,
      measured: (named.unit ?? column.unit ?? 'count') !== 'count',
      flag:
        /^(?:is|has|was|can)$/.test(words[0] ?? '') ||
        /^(?:flag|enabled|active|on|off|open|closed|alarm|motion|occupied)$/.test(words.at(-1) ?? ''),
      versioned: VERSION.test(words.join('_')),
      counted: COUNTED.test(words.join('_')),
      isNumber: column.isNumber ?? false,
    };
    return { column, named, guess: guessType(counts.get(column) ?? new Map(), timeByColumn.get(column) ?? null, context) };
  });
  const mayBeKey = typed.filter(({ guess: found }) => found.field.type === 'text' || found.field.type === 'int');
  const key = guessKey(mayBeKey.map(({ column }) => column));

  const positions = guessPositions(
    typed.flatMap(({ column: { path }, guess: { numbers } }) => (numbers === undefined ? [] : [{ path, numbers }])),
  );

  const names = new Names();
  const fields: GuessedField[] = typed.map(({ column, named, guess: found }) => {
    const also = found.field.type === 'point' ? ['_lat', '_lon'] : [];
    const fallback = `column${columns.findIndex(({ path }) => path === column.path) + 1}`;
    const position = positions.get(column.path);
    const name = names.take(position?.name ?? nameFor(named.name, fallback, options, names), also);
    const isKey = column === key?.column;
    const isNumber = found.field.type === 'int' || found.field.type === 'float';
    const unit = isNumber ? (position ? '°' : (named.unit ?? column.unit ?? found.field.unit)) : found.field.unit;
    const { unit: _, ...rule } = found.field;
    const field: Field = {
      ...(isKey ? { ...rule, type: 'text' as const } : rule),
      ...(column.path === name ? {} : { from: column.path }),
      ...(isKey && column.texts.every((text) => text !== null && text.trim() !== '') ? { required: true } : {}),
      ...(position === undefined ? {} : { type: 'float', min: -position.limit, max: position.limit }),
      ...(unit === undefined ? {} : { unit }),
    };
    if (isKey) {
      delete field.decimal;
      delete field.nulls;
    }
    return { name, field, notes: isKey ? [] : found.notes };
  });
  const keyField = key === null ? null : (fields[typed.findIndex(({ column }) => column === key.column)] ?? null);
  const keyName = keyField?.name ?? names.take('device');
  if (keyField === null)
    fields.unshift({ name: keyName, field: { type: 'text', default: options.device, required: true }, notes: [] });
  return {
    time,
    key: key && { name: keyName, reason: key.reason },
    keyName,
    zoneSays: time.guess?.zoned ? null : zoneIn(rest),
    fields,
    leftOut: columns.filter((column) => !filled.includes(column)).map(({ path }) => path),
    measured: fields
      .filter(
        ({ name, field: { type, unit } }) =>
          name !== keyName && (type === 'float' || (type === 'int' && !/(?:^|_)(?:id|no|nr|code)$/.test(name))) && unit !== '°',
      )
      .map(({ name }) => name),
  };
}

function zoneIn(columns: readonly Column[]): string | null {
  const column = columns.find(({ path }) => /(?:^|_)(?:tz|tz_?cd|time_?zone|utc_offset)$/.test(wordsOf(path).join('_')));
  const [value] = column ? countTexts(column).keys() : [];
  return column && value !== undefined ? `${column.path} ${JSON.stringify(value.slice(0, 40))}` : null;
}

function timesIn(columns: readonly Column[]): TimeColumn[] {
  return columns.flatMap((column) => {
    const found = timeOf(column);
    return found ? [{ column, guess: found }] : [];
  });
}

const VERSION = /(?:^|_)(?:fw|firmware|version|ver|sw|software|hw|hardware|rev|revision|release|build|model)(?:_|$)/;
/** Names of what is counted or numbered. */
const COUNTED =
  /(?:^|_)(?:id|no|nr|num|number|code|count|counter|cnt|total|seq|sequence|index|port|page|limit|version|year|month|day|hour|minute|frequency|timestamp|uptime|sats|satellites|channel|level|status|state|type|mode|rssi)(?:_\d+)?$/;

/** A name of this length is read at a glance. */
const SHORT = 32;

/** The name for a column: of a long path its end, where that is free. */
function nameFor(path: string, fallback: string, { each, isNested }: GuessOptions, names: Names): string {
  const whole = shortOf(each !== null && path.startsWith(`${each}.`) ? path.slice(each.length + 1) : path);
  for (let part = whole; isNested; part = part.slice(part.indexOf('.') + 1)) {
    const name = safeName(part, fallback);
    if (name.length <= SHORT && names.isFree(name)) return name;
    if (!part.includes('.')) break;
  }
  return safeName(whole, fallback);
}

/** A path without the word that only says that there are values in it: `values.x` is `x`. */
function shortOf(path: string): string {
  return path.replace(/^(?:values|data|payload|fields|body|properties|attributes|measurements?|readings?|metrics)\.(?=.)/i, '');
}

/** The decimal mark that columns show which can be read in one way only; else what the delimiter lets one think. */
function preferredMark(columns: readonly (readonly [Column, ReadonlyMap<string, number>])[], commaLikely: boolean): DecimalMark {
  for (const [{ isNumber }, counts] of columns) {
    const found = isNumber ? null : guessNumber(counts, { mark: '.', isSure: true });
    if (found?.type === 'float' && found.ambiguous === null) return { mark: found.decimal, isSure: true };
  }
  return { mark: commaLikely ? ',' : '.', isSure: false };
}

/** What columns there were, for a message. */
export function namesOfColumns(columns: readonly Column[]): string {
  const shown = columns.slice(0, 30).map(({ path }) => JSON.stringify(path.slice(0, 40)));
  return `${shown.join(', ')}${columns.length > shown.length ? ` and ${columns.length - shown.length} more` : ''}`;
}
