import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column } from '../table/columns.ts';
import { parseJson, stringifyJson } from './json.ts';
import { decodeRow, encodeRow, newRow, type Row, RowError, type Value } from './row.ts';

const columns: Column[] = [
  { name: 'time', type: 'time', required: true },
  { name: 'device', type: 'text', required: true },
  { name: 'count', type: 'int', required: false },
  { name: 'speed', type: 'float', required: false },
  { name: 'ok', type: 'bool', required: false },
  { name: 'extra', type: 'json', required: false },
];

const values: Record<string, fc.Arbitrary<Value>> = {
  time: fc.constantFrom('2025-04-15T18:52:00Z', '1970-01-01T00:00:00.123456789Z'),
  device: fc.string({ unit: 'grapheme' }),
  count: fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((big) => (Number.isSafeInteger(Number(big)) ? Number(big) : big)),
  speed: fc.double({ noNaN: true, noDefaultInfinity: true }),
  ok: fc.boolean(),
  extra: fc.oneof(
    fc.dictionary(fc.string(), fc.jsonValue()).map((value) => stringifyJson(value)),
    fc.constant('{"n":1716760513715797500,"d":0.12345678901234567890,"__proto__":1}'),
  ),
};

test('decode(encode(row)) is the row, digit by digit', () => {
  const row = fc.record(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fc.option(value)])));
  fc.assert(
    fc.property(row, (members) => {
      const decoded = decodeRow(encodeRow(members as Row, columns), columns);
      for (const { name } of columns) expect(decoded[name]).toStrictEqual(members[name]);
    }),
    { numRuns: 1000 },
  );
});

test('nulls are left out and extra is embedded', () => {
  const row: Row = {
    time: '2025-04-15T18:52:00Z',
    device: 'a"b',
    count: 12345678901234567890n,
    speed: -0,
    ok: null,
    extra: '{"x":[1]}',
  };
  const text = encodeRow(row, columns).toString();
  expect(text).toBe('{"time":"2025-04-15T18:52:00Z","device":"a\\"b","count":12345678901234567890,"speed":-0,"extra":{"x":[1]}}');
  expect(parseJson(text)).toMatchObject({ extra: { x: [1] } });
});

test('a row inherits no member', () => {
  expect(newRow().constructor).toBeUndefined();
  expect(encodeRow(newRow(), [{ name: 'toString', type: 'text', required: false }]).toString()).toBe('{}');
});

test.each([
  ['not json', /not JSON/],
  ['[1]', /no JSON object/],
  ['1.00000000000000000001', /no JSON object/],
  ['{"unknown":1}', /member "unknown"/],
  ['{"device":1}', /column device is 1; allowed is text/],
  ['{"count":1.5}', /column count/],
  ['{"count":"1"}', /column count/],
  ['{"count":1e400}', /column count/],
  ['{"speed":"1"}', /column speed/],
  ['{"speed":1e400}', /column speed/],
  ['{"speed":true}', /column speed/],
  ['{"ok":1}', /column ok/],
])('%s is no row', (text, message) => {
  expect(() => decodeRow(Buffer.from(text), columns)).toThrow(RowError);
  expect(() => decodeRow(Buffer.from(text), columns)).toThrow(message);
});

test('a number that is none never leaves', () => {
  expect(() => encodeRow({ speed: Number.NaN }, columns)).toThrow(RowError);
});
