/** Rules of each field and of the record's time: what goes with its type, ranges, defaults, time formats and zones. */
import { toFloat, toInt } from '../../record/number.ts';
import { compileTime, TimeError } from '../../record/time.ts';
import { isLocale } from '../../record/timeformat.ts';
import { zoneOf } from '../../record/zone.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Finding, nameList, type Path } from '../problem.ts';
import type { Field, FieldType, TimeRule } from '../record.ts';

const NUMERIC: readonly FieldType[] = ['int', 'float'];

/** Rules that only go with some types. */
const TYPES_OF_RULE: Partial<Record<keyof Field, readonly FieldType[]>> = {
  min: NUMERIC,
  max: NUMERIC,
  decimal: NUMERIC,
  enum: ['text'],
  format: ['time'],
  zone: ['time'],
  locale: ['time'],
  default: ['text', 'int', 'float', 'bool', 'time'],
};

export function checkFields(pipeline: Pipeline): Finding[] {
  const { time, fields } = pipeline.spec.record;
  return [
    ...checkTime(time, ['spec', 'record', 'time']),
    ...Object.entries(fields).flatMap(([name, field]) => checkField(field, ['spec', 'record', 'fields', name])),
  ];
}

function checkField(field: Field, path: Path): Finding[] {
  const { type, min, max, strip, decimal = '.' } = field;
  const findings = (Object.entries(TYPES_OF_RULE) as [keyof Field, readonly FieldType[]][])
    .filter(([rule, types]) => field[rule] !== undefined && !types.includes(type))
    .map(([rule, types]): Finding => {
      const allowed = `${rule} on a field of type ${types.join(', ')}`;
      return { path: [...path, rule], message: `a field of type ${type} has no ${rule}`, allowed, at: 'name' };
    });
  if (findings.length > 0) return findings;
  if (min !== undefined && max !== undefined && min > max)
    findings.push({ path: [...path, 'min'], message: `min ${min} is above max ${max}`, allowed: `at most ${max}` });
  if (NUMERIC.includes(type) && strip?.includes(decimal)) {
    const message = `strip takes the decimal mark ${JSON.stringify(decimal)} away`;
    findings.push({ path: [...path, 'strip'], message, allowed: 'characters that no number needs' });
  }
  if (type === 'time') findings.push(...checkTime(field, path));
  return findings.length > 0 ? findings : checkDefault(field, path);
}

function checkTime(rule: Pick<TimeRule, 'format' | 'zone' | 'locale'>, path: Path): Finding[] {
  const { format, zone, locale } = rule;
  if (zone !== undefined && !zoneOf(zone))
    return [
      { path: [...path, 'zone'], message: 'there is no such zone', allowed: 'an IANA zone such as America/Chicago or UTC' },
    ];
  if (locale !== undefined && !isLocale(locale))
    return [{ path: [...path, 'locale'], message: 'there is no such language', allowed: 'a BCP 47 tag such as de, fr or pt-BR' }];
  if (!Array.isArray(format)) return format === undefined ? [] : checkFormat(format, [...path, 'format']);
  return format.flatMap((one, index): Finding[] => {
    const place = [...path, 'format', index];
    if (format.indexOf(one) !== index)
      return [{ path: place, message: `${JSON.stringify(one)} comes twice`, allowed: 'each format once' }];
    return checkFormat(one, place);
  });
}

function checkFormat(format: string, path: Path): Finding[] {
  try {
    compileTime({ format });
    return [];
  } catch (error) {
    if (!(error instanceof TimeError)) throw error;
    const allowed = 'iso, epoch_s, epoch_ms, epoch_us, epoch_ns, or Luxon tokens such as yyyy-MM-dd HH:mm:ss';
    return [{ path, message: error.message, allowed }];
  }
}

function checkDefault(field: Field, path: Path): Finding[] {
  if (field.default === undefined) return [];
  const problem = defaultProblem(field, field.default);
  return problem === null ? [] : [{ path: [...path, 'default'], ...problem }];
}

function defaultProblem(field: Field, value: string | number | boolean): { message: string; allowed: string } | null {
  const { type, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, enum: texts } = field;
  const no = (allowed: string): { message: string; allowed: string } => ({ message: `the default is no ${type}`, allowed });
  switch (type) {
    case 'text':
      if (typeof value !== 'string') return no('text, in quotes');
      return texts && !texts.includes(value) ? { message: 'the default is not in enum', allowed: nameList(texts) } : null;
    case 'bool':
      return typeof value === 'boolean' ? null : no('true or false');
    case 'int':
    case 'float': {
      const number = typeof value === 'boolean' ? null : (type === 'int' ? toInt : toFloat)(String(value));
      if (number === null) return no(type === 'int' ? 'a whole number' : 'a number');
      if (number >= min && number <= max) return null;
      return {
        message: 'the default is out of range',
        allowed: `from ${field.min ?? 'any number'} to ${field.max ?? 'any number'}`,
      };
    }
    case 'time':
      try {
        compileTime(field).parse(value);
        return null;
      } catch (error) {
        if (!(error instanceof TimeError)) throw error;
        return { message: `the default is no time: ${error.message}`, allowed: 'a time in the format of the field' };
      }
    case 'point':
      return null; // refused above
  }
}
