import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawNumber } from './json.ts';
import { numberText, parseDecimal, toFloat, toInt } from './number.ts';

test.each<[string, number | bigint | null]>([
  ['0', 0],
  ['-0', 0],
  ['007', 7],
  ['+5', 5],
  ['5.0', 5],
  ['5e3', 5000],
  ['1200e-2', 12],
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', 9007199254740992n],
  ['9223372036854775807', 9223372036854775807n],
  ['-9223372036854775808', -9223372036854775808n],
  ['9223372036854775808', null],
  ['-9223372036854775809', null],
  ['1e19', null],
  ['1e9999', null],
  ['0e9999', 0],
  ['0.001e3', 1],
  ['0.1', null],
  ['1e-9999', null],
  ['5.5', null],
  ['', null],
  ['.', null],
  ['-', null],
  ['1_000', null],
  ['0x10', null],
  ['Infinity', null],
  ['1 2', null],
])('integer %s', (text, expected) => {
  expect(toInt(text)).toEqual(expected);
});

test.each<[string, number | null]>([
  ['12.5', 12.5],
  ['.5', 0.5],
  ['5.', 5],
  ['-1.594512094385974E9', -1594512094.385974],
  ['1e999', null],
  ['NaN', null],
  ['Infinity', null],
  ['', null],
  ['.', null],
  ['1,5', null],
  ['0x10', null],
  ['12abc', null],
])('float %s', (text, expected) => {
  expect(toFloat(text)).toBe(expected);
});

test('a number of 100,000 digits is none', () => {
  expect(toInt('9'.repeat(100_000))).toBeNull();
  expect(toFloat('0.'.padEnd(100_000, '9'))).toBeNull();
});

test('every 64-bit integer comes back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      expect(BigInt(toInt(value.toString()) ?? Number.NaN)).toBe(value);
    }),
  );
});

test('every float comes back', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(toFloat(Object.is(value, -0) ? '-0' : String(value))).toBe(value);
    }),
  );
});

test('numbers of every kind have their source text', () => {
  expect([1.5, 12345678901234567890n, new RawNumber('1e400'), ' 7 ', true, null, {}].map(numberText)).toEqual([
    '1.5',
    '12345678901234567890',
    '1e400',
    '7',
    null,
    null,
    null,
  ]);
  expect(parseDecimal('-001.250e2')).toEqual({ negative: true, digits: '1250', exponent: -1 });
});
