/**
 * From a raw value to a value of a column type. A converter takes what is there (never null or missing) and throws a
 * FieldError that says what is allowed; it never guesses and never rounds an integer.
 */
import { RawNumber } from '@millrace/core/record/json.ts';
import { numberText, toFloat, toInt } from '@millrace/core/record/number.ts';
import { type Point, PointError, parsePoint } from '@millrace/core/record/point.ts';
import type { Value } from '@millrace/core/record/row.ts';
import { compileTime, TimeError } from '@millrace/core/record/time.ts';
import type { FieldType, TimeRule } from '@millrace/core/spec/record.ts';
import { FieldError } from './error.ts';
import { kindOf } from './shown.ts';

type Present = Exclude<Value, null>;

function int(raw: unknown): Present {
  if (Number.isSafeInteger(raw)) return (raw as number) + 0; // + 0: no minus zero
  const text = numberText(raw);
  const value = text === null ? null : toInt(text);
  if (value === null) {
    throw new FieldError('type', `allowed is a whole number from ${-(2n ** 63n)} to ${2n ** 63n - 1n}${hint(raw)}`);
  }
  return value;
}

function float(raw: unknown): Present {
  if (typeof raw === 'number' && Number.isFinite(raw)) return raw;
  const text = numberText(raw);
  const value = text === null ? null : toFloat(text);
  if (value === null) throw new FieldError('type', `allowed is a number such as 12.5${hint(raw)}`);
  return value;
}

function hint(raw: unknown): string {
  if (typeof raw !== 'string') return '';
  if (/^\s*[-+]?(nan|inf(inity)?|null|none|na|n\/a|-+|\?+)\s*$/i.test(raw)) return '; "nulls" names texts that mean no value';
  return /\d,\d/.test(raw) ? '; "strip" removes thousands marks, "decimal" names the decimal mark' : '';
}

const BOOLS = new Map<unknown, boolean>([
  [true, true],
  [false, false],
  [1, true],
  [0, false],
  ...['true', '1', 'yes', 'y', 'on', 't'].map((word): [string, boolean] => [word, true]),
  ...['false', '0', 'no', 'n', 'off', 'f'].map((word): [string, boolean] => [word, false]),
]);

function bool(raw: unknown): Present {
  const value = BOOLS.get(typeof raw === 'string' ? raw.trim().toLowerCase() : raw);
  if (value === undefined) throw new FieldError('type', 'allowed is true, yes, y, on, t or 1, and false, no, n, off, f or 0');
  return value;
}

/** Numbers and booleans keep the text of their source. */
function text(raw: unknown): Present {
  if (typeof raw === 'string') {
    // Half a surrogate pair has no UTF-8: it would be stored as another character.
    if (!raw.isWellFormed()) throw new FieldError('type', 'it holds half a surrogate pair; allowed is Unicode text');
    return raw;
  }
  if (typeof raw === 'number' || typeof raw === 'bigint' || typeof raw === 'boolean') return String(raw);
  if (raw instanceof RawNumber) return raw.source;
  throw new FieldError('type', `it is ${kindOf(raw)}; allowed is a text, number or boolean`);
}

/** The converter of a type. @throws TimeError where format or zone of a time cannot work */
export function converterOf(
  type: Exclude<FieldType, 'point'>,
  rule: Pick<TimeRule, 'format' | 'zone' | 'locale'>,
): (raw: unknown) => Present {
  switch (type) {
    case 'int':
      return int;
    case 'float':
      return float;
    case 'bool':
      return bool;
    case 'text':
      return text;
    case 'time': {
      const { parse } = compileTime(rule);
      return (raw) => {
        try {
          return parse(raw);
        } catch (error) {
          if (error instanceof TimeError) throw new FieldError('time', error.message);
          throw error;
        }
      };
    }
  }
}

/** The point of a WKT text; null for an empty one. */
export function point(raw: unknown): Point | null {
  try {
    return parsePoint(typeof raw === 'string' ? raw : '');
  } catch (error) {
    if (error instanceof PointError) throw new FieldError(error.reason, error.message);
    throw error;
  }
}
