import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonError, parseJson, RawNumber, stringifyJson } from './json.ts';
import { MAX_JSON_DEPTH } from './jsonScan.ts';

describe('no digit is changed', () => {
  const cases: [string, unknown][] = [
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['1716760513715797500', 1716760513715797500n],
    ['-9223372036854775808', -9223372036854775808n],
    ['-8.230349946337938', -8.230349946337938],
    ['0.1234567890123456789', new RawNumber('0.1234567890123456789')],
    ['12345678.123456789012', new RawNumber('12345678.123456789012')],
    ['123456789012345678.5', new RawNumber('123456789012345678.5')],
    ['1e400', new RawNumber('1e400')],
    ['1e-400', new RawNumber('1e-400')],
    ['0.0000000000000000000', 0],
    ['888.0', 888],
    ['1.50', 1.5],
    ['-0', -0],
    ['1E3', 1000],
    ['1e300', new RawNumber('1e300')],
    ['1e299', 1e299],
  ];
  test.each(cases)('%s', (text, expected) => {
    expect(parseJson(text)).toEqual(expected);
    expect(parseJson(`{"a":[1,${text}]}`)).toEqual({ a: [1, expected] });
    expect(parseJson(Buffer.from(`{"a": "${text}"}`))).toEqual({ a: text });
  });

  test('any decimal text comes back with its value', () => {
    const decimal = fc
      .tuple(
        fc.boolean(),
        fc.bigInt({ min: 0n, max: 10n ** 30n }),
        fc.option(fc.stringMatching(/^\d{1,25}$/)),
        fc.integer({ min: -320, max: 320 }),
      )
      .map(
        ([minus, whole, fraction, exponent]) =>
          `${minus ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}${exponent % 3 ? '' : `e${exponent}`}`,
      );
    fc.assert(
      fc.property(decimal, (text) => {
        const once = stringifyJson(parseJson(text));
        expect(canonical(once)).toBe(canonical(text));
        expect(stringifyJson(parseJson(once))).toBe(once);
      }),
      { numRuns: 1000 },
    );
  });
});

test('any JSON value comes back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = stringifyJson(value);
      expect(stringifyJson(parseJson(Buffer.from(text)))).toBe(text);
    }),
  );
});

test('a number of a million digits is neither a crash nor a slow bigint', () => {
  expect(parseJson('9'.repeat(1_000_000))).toBeInstanceOf(RawNumber);
});

test('bytes that are no UTF-8 are refused, a byte order mark is not', () => {
  expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(JsonError);
  expect(parseJson(Buffer.from('\ufeff{"a":1}'))).toEqual({ a: 1 });
});

test('100,000 nested arrays are an error, brackets in text are not', () => {
  expect(() => parseJson('['.repeat(100_000) + ']'.repeat(100_000))).toThrow(/nested too deeply/);
  expect(() => parseJson('{"a":'.repeat(100_000))).toThrow(/nested too deeply/);
  const deepest = '['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH);
  expect(() => parseJson(`${deepest}${' '.repeat(300)}`)).not.toThrow();
  expect(() => parseJson(`[${deepest}]`)).toThrow(JsonError);
  const text = `\\"${'['.repeat(500)}\\\\`;
  expect(parseJson(`["${text}"]`)).toEqual([`"${'['.repeat(500)}\\`]);
});

test('what is not JSON is refused with a reason', () => {
  for (const text of ['', '  ', '{', '{"a":1,}', 'abc', 'NaN', '"', `["${'x'.repeat(300)}`]) {
    expect(() => parseJson(text), text).toThrow(JsonError);
  }
});

test('__proto__ is a key like any other, and the last of equal keys counts', () => {
  const parsed = parseJson('{"__proto__":{"polluted":1},"a":1,"a":12345678901234567890}') as Record<string, unknown>;
  expect(Object.hasOwn(parsed, '__proto__')).toBe(true);
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  expect(parsed.polluted).toBeUndefined();
  expect(parsed.a).toBe(12345678901234567890n);
});

test('a number that JSON cannot write is refused', () => {
  expect(() => stringifyJson({ a: Number.NaN })).toThrow(RangeError);
  expect(() => stringifyJson(Number.POSITIVE_INFINITY)).toThrow(RangeError);
});

/** Sign, significant digits and power of ten. */
function canonical(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(text);
  if (!match) throw new Error(text);
  const fraction = match[3] ?? '';
  const digits = (match[2] + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return `${match[1]}0`;
  return `${match[1]}${significant}e${Number(match[4] ?? 0) - fraction.length + digits.length - significant.length}`;
}
