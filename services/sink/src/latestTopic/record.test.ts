import { stringifyJson } from '@millrace/core/record/json.ts';
import { decodeRow } from '@millrace/core/record/row.ts';
import type { Column } from '@millrace/core/table/columns.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { latestRecord } from './record.ts';

const column = (name: string, type: Column['type']): Column => ({ name, type, required: false });
const columns = [
  column('time', 'time'),
  column('time_ns', 'int'),
  column('device', 'text'),
  column('level', 'float'),
  column('open', 'bool'),
  column('extra', 'json'),
];
const TIME = '2026-01-02 03:04:05+00';
const MAX_BYTES = 100_000;

/** The value's text for some columns of a row, as the database writes them. */
function valueOfRow(
  texts: Partial<Record<string, string>>,
  maxBytes = MAX_BYTES,
): { value: string; leftOut: string | undefined } {
  const { value, headers } = latestRecord(
    '{"device":"d"}',
    columns.map(({ name }) => texts[name] ?? null),
    columns,
    maxBytes,
  );
  return { value: String(value), leftOut: headers['left-out'] };
}

describe('a value of the database, as the processor would write it', () => {
  test.each([
    ['a whole second', { time: TIME }, '{"time":"2026-01-02T03:04:05Z"}'],
    ['a tenth', { time: '2026-01-02 03:04:05.1+00' }, '{"time":"2026-01-02T03:04:05.100Z"}'],
    ['a microsecond', { time: '0001-01-02 03:04:05.000001+00' }, '{"time":"0001-01-02T03:04:05.000001Z"}'],
    [
      'a nanosecond, to the last digit',
      { time: '2024-05-26 21:55:13.715797+00', time_ns: '1716760513715797500' },
      '{"time":"2024-05-26T21:55:13.715797500Z","time_ns":1716760513715797500}',
    ],
    [
      'a nanosecond before 1970',
      { time: '1969-12-31 23:59:59.999999+00', time_ns: '-1' },
      '{"time":"1969-12-31T23:59:59.999999999Z","time_ns":-1}',
    ],
    ['a minus zero', { time: TIME, level: '-0' }, '{"time":"2026-01-02T03:04:05Z","level":-0}'],
    ['a large float', { time: TIME, level: '1e+300' }, '{"time":"2026-01-02T03:04:05Z","level":1e+300}'],
    ['true', { time: TIME, open: 'true' }, '{"time":"2026-01-02T03:04:05Z","open":true}'],
    ['false', { time: TIME, open: 'false' }, '{"time":"2026-01-02T03:04:05Z","open":false}'],
    [
      'extra, digit by digit',
      { time: TIME, extra: '{"a": [1, 12345678901234567890.10], "b": "x: , y"}' },
      '{"time":"2026-01-02T03:04:05Z","extra":{"a":[1,12345678901234567890.10],"b":"x: , y"}}',
    ],
  ])('%s', (_what, texts, expected) => {
    expect(valueOfRow(texts)).toEqual({ value: expected, leftOut: undefined });
  });

  test('what no record can hold is left out by name, and the row comes all the same', () => {
    expect(valueOfRow({ time: TIME, device: 'd', level: 'NaN' })).toEqual({
      value: '{"time":"2026-01-02T03:04:05Z","device":"d"}',
      leftOut: 'level',
    });
    expect(valueOfRow({ time: 'infinity', device: 'd', level: '-Infinity' }).leftOut).toBe('time,level');
    const large = `{"a": "${'x'.repeat(MAX_BYTES)}"}`;
    expect(valueOfRow({ time: TIME, device: 'd', extra: large })).toEqual({
      value: '{"time":"2026-01-02T03:04:05Z","device":"d"}',
      leftOut: 'extra',
    });
    expect(valueOfRow({ time: TIME, device: 'd', extra: large }, 2 * MAX_BYTES).leftOut).toBeUndefined();
  });

  test('any text comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (device) => {
        const { value } = valueOfRow({ time: TIME, device });
        expect(decodeRow(Buffer.from(value), columns)).toMatchObject({ device });
      }),
    );
  });
});

test('a row that is no more is a record without value', () => {
  expect(latestRecord('{"device":"d"}', null, columns, MAX_BYTES)).toEqual({
    key: Buffer.from('{"device":"d"}'),
    value: null,
    headers: {},
  });
});

test('one combination has one key, in whatever order and spelling the database has it, and two have two', () => {
  const member = fc.oneof(fc.string(), fc.boolean(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
  const combination = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), member, { minKeys: 1, maxKeys: 4 });
  const keyOf = (members: [string, unknown][], space = ''): string =>
    String(latestRecord(stringifyJson(Object.fromEntries(members)).replace(/^\{/, `{${space}`), null, columns, MAX_BYTES).key);
  fc.assert(
    fc.property(combination, combination, (one, other) => {
      const members = Object.entries(one);
      expect(keyOf(members.toReversed(), ' ')).toBe(keyOf(members));
      const same = (a: object) => stringifyJson(Object.entries(a).sort(([x], [y]) => (x < y ? -1 : 1)));
      if (same(one) !== same(other)) expect(keyOf(Object.entries(other))).not.toBe(keyOf(members));
    }),
  );
});
