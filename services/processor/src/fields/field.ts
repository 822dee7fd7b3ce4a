/**
 * A field rule, compiled: finds the raw value, converts it, checks it and writes the column (two for a point).
 *
 * Invariants:
 * - null, a missing member, an empty text and what `nulls` names mean "no value". Of several paths the first with a value
 *   counts. No value gives the default, else NULL, else a refusal when the field is required; never 0 or "now".
 * - `strip` and `decimal` touch texts only, and only before they are read.
 */
import { numberText, toFloat } from '@millrace/core/record/number.ts';
import { readPath } from '@millrace/core/record/path.ts';
import type { Row, Value } from '@millrace/core/record/row.ts';
import type { Field, TimeRule } from '@millrace/core/spec/record.ts';
import { converterOf, point } from './convert.ts';
import { FieldError } from './error.ts';
import { shown } from './shown.ts';

/** Writes the columns of one field into a row. @throws FieldError naming field, value and what is allowed */
export type FieldReader = (object: unknown, row: Row) => void;

/** A field, or the record's time as one. */
type AnyField = Omit<Field, 'format'> & Pick<TimeRule, 'and' | 'format'>;

/** The paths a field is read from. */
export function pathsOf(name: string, field: Pick<Field, 'from'>): string[] {
  return field.from === undefined ? [name] : [field.from].flat();
}

/**
 * Compiles one entry of `record.fields`.
 * @throws TimeError where format or zone cannot work; FieldError where the default is no value of the field
 */
export function compileField(name: string, field: AnyField): FieldReader {
  const paths = pathsOf(name, field);
  const find = together([paths, ...(field.and ?? []).map((path) => [path])].map((place) => finder(place, field)));
  const from = [paths.join(', '), ...(field.and ?? [])].join(' and ');
  const place = from === name ? '' : ` (from ${from})`;
  const write = writerOf(name, field);
  const missing = (): never => {
    throw new FieldError('missing', `field ${name}${place} is missing; it is required`);
  };
  const fallback = field.default ?? null;
  const attempt = (raw: unknown, row: Row): void => {
    try {
      const present = write(raw, row);
      if (!present && field.required === true) missing();
    } catch (error) {
      if (!(error instanceof FieldError) || error.reason === 'missing') throw error;
      throw new FieldError(error.reason, `field ${name}${place} is ${shown(raw)}; ${error.message}`);
    }
  };
  if (fallback !== null) attempt(fallback, {});
  return (object, row) => {
    const raw = find(object) ?? fallback;
    if (raw !== null) attempt(raw, row);
    else if (field.required === true) missing();
  };
}

/** Finds a value that stands in several places: their texts with a space between; null where one of them has none. */
function together(finders: readonly ReturnType<typeof finder>[]): ReturnType<typeof finder> {
  const [only] = finders;
  if (only && finders.length === 1) return only;
  return (object) => {
    const values = finders.map((find) => find(object));
    if (values.includes(null)) return null;
    const texts = values.map(numberText);
    const wrong = texts.indexOf(null);
    return wrong === -1 ? texts.join(' ') : values[wrong];
  };
}

/** Finds the first value among the paths: cleaned text, or anything else as it is; null where there is none. */
function finder(paths: string[], rule: Pick<Field, 'type' | 'strip' | 'nulls' | 'decimal'>): (object: unknown) => unknown {
  const { type, nulls = [] } = rule;
  const clean = cleaner(rule);
  const nullTexts = new Set(nulls.map(String));
  const nullNumbers = new Set(nulls.map((value) => toFloat(String(value).trim())));
  nullNumbers.delete(null); // texts that are no number
  const isNull = (raw: unknown): boolean => {
    if (raw === null || raw === undefined) return true;
    if (typeof raw === 'number') return nullNumbers.has(raw);
    if (typeof raw === 'boolean' || typeof raw === 'bigint') return nullTexts.has(String(raw));
    if (typeof raw !== 'string') return false; // never String(object): a record's own member toString would be called
    const trimmed = raw.trim();
    if (raw === '' || (type !== 'text' && trimmed === '')) return true;
    if (nulls.length === 0) return false;
    if (nullTexts.has(raw) || nullTexts.has(trimmed)) return true;
    const number = type === 'text' ? null : toFloat(trimmed); // -999.0 is -999, but in a text 007 is not 7
    return number !== null && nullNumbers.has(number);
  };
  return (object) => {
    for (const path of paths) {
      const raw = readPath(object, path);
      if (isNull(raw)) continue;
      if (typeof raw !== 'string' || clean === null) return raw;
      const text = clean(raw);
      if (!isNull(text)) return text;
    }
    return null;
  };
}

function cleaner({ type, strip, decimal }: Pick<Field, 'type' | 'strip' | 'decimal'>): ((text: string) => string) | null {
  const comma = decimal === ',' && (type === 'int' || type === 'float');
  if (strip === undefined && !comma) return null;
  const stripped = strip === undefined ? null : new RegExp(`[${strip.replace(/[\]\\^-]/g, '\\$&')}]`, 'gu');
  return (text) => {
    const left = stripped === null ? text : text.replace(stripped, '');
    // A point where the decimal mark is a comma would be read as one: it stays a comma too many, which is refused.
    return comma ? left.replace(/[.,]/g, (mark) => (mark === ',' ? '.' : ',')) : left;
  };
}

/** Converts, checks and writes; false where the raw value turned out to be empty (`POINT EMPTY`). */
function writerOf(name: string, field: AnyField): (raw: unknown, row: Row) => boolean {
  if (field.type === 'point') {
    const [lat, lon] = [`${name}_lat`, `${name}_lon`];
    return (raw, row) => {
      const found = point(raw);
      if (found === null) return false;
      row[lat] = found.lat;
      row[lon] = found.lon;
      return true;
    };
  }
  const convert = converterOf(field.type, field);
  const check = checkOf(field);
  return (raw, row) => {
    const value = convert(raw);
    check?.(value);
    row[name] = value;
    return true;
  };
}

function checkOf({ type, min, max, enum: texts }: AnyField): ((value: Value) => void) | null {
  if ((type === 'int' || type === 'float') && (min !== undefined || max !== undefined)) {
    const [least, most] = [min ?? Number.NEGATIVE_INFINITY, max ?? Number.POSITIVE_INFINITY];
    const allowed = min === undefined ? `at most ${max}` : max === undefined ? `at least ${min}` : `${min} to ${max}`;
    return (value) => {
      if ((value as number | bigint) < least || (value as number | bigint) > most) {
        throw new FieldError('range', `allowed is ${allowed}`);
      }
    };
  }
  if (type !== 'text' || texts === undefined) return null;
  const allowed = new Set<Value>(texts);
  return (value) => {
    if (!allowed.has(value)) throw new FieldError('enum', `allowed is ${texts.join(', ').slice(0, 300)}`);
  };
}
