import { RawNumber } from '@millrace/core/record/json.ts';
import type { Row } from '@millrace/core/record/row.ts';
import type { Field } from '@millrace/core/spec/record.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FieldError } from './error.ts';
import { compileField } from './field.ts';

function read(field: Field, object: unknown): Row {
  const row: Row = {};
  compileField('f', field)(object, row);
  return row;
}

function refusal(field: Field, object: unknown): FieldError {
  try {
    read(field, object);
  } catch (error) {
    if (error instanceof FieldError) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe('values are converted exactly', () => {
  test.each<[Field, unknown, unknown]>([
    [{ type: 'text' }, 'abc', 'abc'],
    [{ type: 'text' }, ' a ', ' a '],
    [{ type: 'text' }, 2060, '2060'],
    [{ type: 'text' }, 12345678901234567890n, '12345678901234567890'],
    [{ type: 'text' }, new RawNumber('0.1234567890123456789'), '0.1234567890123456789'],
    [{ type: 'text' }, false, 'false'],
    [{ type: 'text', strip: ',' }, '2,060', '2060'],
    [{ type: 'text', strip: ', ' }, '2, 060', '2060'],
    [{ type: 'text', strip: ' ]-^\\$€' }, '[1] - ^2\\ $3€', '[123'],
    [{ type: 'int' }, 5, 5],
    [{ type: 'int' }, 888.0, 888],
    [{ type: 'int' }, '12', 12],
    [{ type: 'int' }, ' 12.0 ', 12],
    [{ type: 'int' }, 1716760513715797500n, 1716760513715797500n],
    [{ type: 'int' }, '9223372036854775807', 9223372036854775807n],
    [{ type: 'int', strip: ',' }, '1,234,567', 1234567],
    [{ type: 'int', strip: '.', decimal: ',' }, '1.234,0', 1234],
    [{ type: 'float' }, '12.5', 12.5],
    [{ type: 'float' }, '1e3', 1000],
    [{ type: 'float' }, 0, 0],
    [{ type: 'float' }, 9007199254740993n, 9007199254740992],
    [{ type: 'float' }, new RawNumber('0.1234567890123456789'), 0.12345678901234568],
    [{ type: 'float', decimal: ',' }, '12,5', 12.5],
    [{ type: 'float', decimal: ',', strip: '.' }, '1.234,5', 1234.5],
    [{ type: 'bool' }, true, true],
    [{ type: 'bool' }, 'false', false],
    [{ type: 'bool' }, ' TRUE ', true],
    [{ type: 'bool' }, 0, false],
    [{ type: 'bool' }, '1', true],
    [{ type: 'bool' }, 'Yes', true],
    [{ type: 'bool' }, 'OFF', false],
    [{ type: 'bool' }, 'n', false],
    [{ type: 'time', format: 'epoch_s' }, '1.594512094385974E9', '2020-07-12T00:01:34.385974Z'],
    [{ type: 'time', zone: 'America/Chicago' }, '2025-04-15 18:52', '2025-04-15T23:52:00Z'],
    [{ type: 'float', min: 0, max: 10 }, 10, 10],
    [{ type: 'int', max: 1e16 }, '9007199254740992', 9007199254740992n],
    [{ type: 'text', enum: ['a', 'b'] }, 'b', 'b'],
  ])('%j of %s', (field, raw, expected) => {
    expect(read(field, { f: raw })).toEqual({ f: expected });
  });
});

describe('what has no value is NULL, never 0', () => {
  test.each<[Field, unknown]>([
    [{ type: 'int' }, ''],
    [{ type: 'float' }, '   '],
    [{ type: 'bool' }, ''],
    [{ type: 'time' }, ''],
    [{ type: 'point' }, ''],
    [{ type: 'point' }, 'POINT EMPTY'],
    [{ type: 'text' }, ''],
    [{ type: 'text' }, null],
    [{ type: 'text', strip: ',' }, ',,'],
    [{ type: 'float', nulls: [-999] }, -999],
    [{ type: 'float', nulls: [-999] }, '-999.0'],
    [{ type: 'float', nulls: ['-999'] }, -999],
    [{ type: 'float', nulls: [-999], decimal: ',' }, '-999,0'],
    [{ type: 'float', nulls: ['NA', 'NaN'] }, ' NaN '],
    [{ type: 'text', nulls: ['-'] }, '-'],
    [{ type: 'int', nulls: ['true'] }, true],
  ])('%j of %j', (field, raw) => {
    expect(read(field, { f: raw })).toEqual({});
    expect(read(field, {})).toEqual({});
    expect(refusal({ ...field, required: true }, { f: raw })).toMatchObject({
      reason: 'missing',
      message: 'field f is missing; it is required',
    });
  });

  test('zero is a value, also beside a null text that is empty', () => {
    expect(read({ type: 'int', nulls: ['', ' '] }, { f: 0 })).toEqual({ f: 0 });
    expect(read({ type: 'int', nulls: ['', ' '] }, { f: '0' })).toEqual({ f: 0 });
    expect(read({ type: 'text', nulls: [7] }, { f: '007' })).toEqual({ f: '007' });
  });
});

describe('what is no value of the field is refused with name, value and what is allowed', () => {
  test.each<[Field, unknown, string, RegExp]>([
    [
      { type: 'int' },
      '12.5',
      'type',
      /^field f is "12.5"; allowed is a whole number from -9223372036854775808 to 9223372036854775807$/,
    ],
    [{ type: 'int' }, '9223372036854775808', 'type', /allowed is a whole number/],
    [{ type: 'int' }, 1e300, 'type', /field f is 1e\+300/],
    [{ type: 'int' }, true, 'type', /field f is true/],
    [{ type: 'int', nulls: [-1] }, { toString: '' }, 'type', /field f is \{…\}/],
    [{ type: 'float' }, 'NaN', 'type', /allowed is a number such as 12.5; "nulls" names texts/],
    [{ type: 'float' }, 'Infinity', 'type', /allowed is a number/],
    [{ type: 'float' }, new RawNumber('1e999'), 'type', /field f is 1e999/],
    [{ type: 'float' }, '1,234.5', 'type', /"strip" removes thousands marks/],
    [{ type: 'float', decimal: ',' }, '1.234', 'type', /allowed is a number/],
    [{ type: 'float' }, [1], 'type', /field f is \[…\]/],
    [{ type: 'float', min: 0, max: 300, from: 'speed' }, 301, 'range', /^field f \(from speed\) is 301; allowed is 0 to 300$/],
    [{ type: 'float', min: 0 }, '-0.1', 'range', /allowed is at least 0/],
    [{ type: 'int', max: 5 }, 9223372036854775807n, 'range', /allowed is at most 5/],
    [{ type: 'bool' }, 'maybe', 'type', /allowed is true, yes, y, on, t or 1, and false, no, n, off, f or 0/],
    [{ type: 'bool' }, 2, 'type', /field f is 2/],
    [{ type: 'text' }, { a: 1 }, 'type', /it is an object; allowed is a text/],
    [{ type: 'text' }, '\ud800', 'type', /half a surrogate pair/],
    [{ type: 'text', enum: ['a', 'b'] }, 'c', 'enum', /^field f is "c"; allowed is a, b$/],
    [{ type: 'time' }, 'yesterday', 'time', /^field f is "yesterday"; it is no such time; allowed is ISO 8601/],
    [{ type: 'point' }, 'POINT (30.4 -97.8)', 'range', /latitude -97.8/],
    [{ type: 'point' }, 'x', 'type', /allowed is a WKT point/],
    [{ type: 'point' }, 5, 'type', /allowed is a WKT point/],
    [{ type: 'float' }, 'x'.repeat(1000), 'type', /^field f is "x{80}…"/],
  ])('%j of %s', (field, raw, reason, message) => {
    const error = refusal(field, { f: raw, speed: raw });
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(message);
  });
});

describe('paths and defaults', () => {
  const field: Field = { type: 'float', from: ['avg_speed_kph', 'avgSpeedKph', 'values.speed'], nulls: [-1] };
  test.each<[unknown, Row]>([
    [{ avg_speed_kph: 1, avgSpeedKph: 2 }, { f: 1 }],
    [{ avgSpeedKph: 2 }, { f: 2 }],
    [{ avg_speed_kph: null, avgSpeedKph: '', values: { speed: 3 } }, { f: 3 }],
    [{ avg_speed_kph: -1, avgSpeedKph: 2 }, { f: 2 }],
    [{ 'values.speed': 4 }, { f: 4 }],
    [{ f: 5 }, {}],
  ])('%j', (object, row) => {
    expect(read(field, object)).toEqual(row);
  });

  test('a default stands for no value only, and satisfies required', () => {
    const rule: Field = { type: 'text', default: 'UNKNOWN', required: true };
    expect(read(rule, {})).toEqual({ f: 'UNKNOWN' });
    expect(read(rule, { f: '' })).toEqual({ f: 'UNKNOWN' });
    expect(read(rule, { f: 'OK' })).toEqual({ f: 'OK' });
    expect(read({ type: 'bool', default: false }, {})).toEqual({ f: false });
    expect(refusal({ type: 'int', default: 0 }, { f: 'x' }).reason).toBe('type');
  });

  test('a default that is no value of its field is found before the first record', () => {
    expect(() => compileField('f', { type: 'int', default: 'x' })).toThrow(/field f is "x"; allowed is a whole number/);
    expect(() => compileField('f', { type: 'int', default: 5, max: 4 })).toThrow(/at most 4/);
  });

  test('a point gives two columns', () => {
    expect(read({ type: 'point' }, { f: 'POINT (-97.84 30.43)' })).toEqual({ f_lat: 30.43, f_lon: -97.84 });
  });
});

test('any value is converted or refused by a FieldError, and an empty one is never a number', () => {
  const fields: Field[] = (['text', 'int', 'float', 'bool', 'time', 'point'] as const).flatMap((type) => [
    { type },
    { type, strip: ',', decimal: ',', nulls: ['NA', -1], min: 0, max: 9, required: true },
  ]);
  const raw = fc.oneof(
    fc.jsonValue(),
    fc.string(),
    fc.bigInt(),
    fc.double(),
    fc.constantFrom('1,5', 'NA', '', ' ', undefined, new RawNumber('1e400')),
  );
  fc.assert(
    fc.property(fc.constantFrom(...fields), raw, (field, value) => {
      try {
        const row = read(field, { f: value });
        if (value === '' || value === null || value === undefined) expect(row).toEqual({});
      } catch (error) {
        expect(error).toBeInstanceOf(FieldError);
      }
    }),
    { numRuns: 1000 },
  );
});

describe('a time that stands in several places is read as one', () => {
  const rule = { type: 'time' as const, from: 'Date', and: ['Time'], format: 'dd/MM/yyyy HH.mm.ss', required: true };
  const readTime = (object: unknown): Row => {
    const row: Row = {};
    compileField('time', rule)(object, row);
    return row;
  };

  test('date and time of day; year, month, day and hour as numbers', () => {
    expect(readTime({ Date: '10/03/2004', Time: '18.00.00' })).toEqual({ time: '2004-03-10T18:00:00Z' });
    const row: Row = {};
    compileField('time', { type: 'time', from: 'y', and: ['m', 'd', 'h'], format: 'yyyy M d H' })(
      { y: 2010, m: 1, d: 2, h: 13 },
      row,
    );
    expect(row).toEqual({ time: '2010-01-02T13:00:00Z' });
  });

  test.each([
    [{ Date: '10/03/2004' }, 'missing', 'field time (from Date and Time) is missing; it is required'],
    [{ Date: '10/03/2004', Time: '' }, 'missing', 'field time (from Date and Time) is missing; it is required'],
    [{ Date: '10/03/2004', Time: {} }, 'time', 'field time (from Date and Time) is {…}; it is no text; allowed is the format'],
    [
      { Date: '31/02/2004', Time: '18.00.00' },
      'time',
      'field time (from Date and Time) is "31/02/2004 18.00.00"; it is no such time',
    ],
  ])('%j is refused, never taken for midnight', (object, reason, message) => {
    let thrown: unknown;
    try {
      readTime(object);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FieldError);
    expect(thrown).toMatchObject({ reason, message: expect.stringContaining(message) });
  });
});
