import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partBytes } from '../part.ts';
import { decoderOf } from './index.ts';

const decode = (path: string, value: unknown) =>
  decoderOf({ decode: 'json', each: path }, null).decode({
    offset: 0,
    timestampMs: 0,
    key: null,
    headers: {},
    value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  });

test('each element stands in the place of the array, and all else where it was', () => {
  const decoded = decode('up.list', { id: 7, up: { at: 1, list: [{ v: 1 }, 2, null] } });
  expect(decoded.map((part) => ('object' in part ? part.object : part))).toEqual([
    { id: 7, up: { at: 1, list: { v: 1 } } },
    { id: 7, up: { at: 1, list: 2 } },
    { id: 7, up: { at: 1, list: null } },
  ]);
});

test('no digit of a number changes', () => {
  const [part] = decode('list', '{"list":[{"t":1716760513715797501},{}],"n":1.00000000000000000001}');
  expect(part && String(partBytes(part))).toBe('{"list":[{"t":1716760513715797501}],"n":1.00000000000000000001}');
});

test.each([
  [{ a: 1 }, 'missing', 'the record has no list; allowed is an array (spec.record.each)'],
  [{ list: { a: 1 } }, 'type', 'list is an object ({…}); allowed is an array (spec.record.each)'],
  [{ list: [] }, 'empty', 'list is an empty array; allowed is at least one element'],
])('%j is refused: %s', (value, reason, message) => {
  expect(decode('list', value)).toEqual([{ problem: { reason, message }, source: value }]);
});

test('a bad record of several does not hold up the others', () => {
  const decoded = decode('list', [{ list: [{ v: 1 }] }, { other: 1 }, 5, { list: [{ v: 2 }] }]);
  expect(decoded.map((part) => ('problem' in part ? part.problem.reason : part.object))).toEqual([
    { list: { v: 1 } },
    'missing',
    'type',
    { list: { v: 2 } },
  ]);
});

test('a megabyte does not become gigabytes, and too many elements are refused', () => {
  const large = decode('list', { list: Array.from({ length: 1_000 }, () => ({})), text: 'x'.repeat(10_000) });
  expect(large).toMatchObject([{ problem: { reason: 'size', message: expect.stringContaining('beside the 1000 elements') } }]);
  const many = Array.from({ length: 10_001 }, () => 0);
  expect(() => decode('list', { list: many })).toThrow(/10001 elements in list; allowed are at most 10000/);
});

test('what a refusal keeps of an element is that element again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (list, beside) => {
        const decoded = decode('b.list', { ...beside, b: { ...beside, list } });
        expect(decoded).toHaveLength(list.length);
        for (const part of decoded) {
          const again = decode('b.list', String(partBytes(part)));
          expect(again).toHaveLength(1);
          const [only] = again;
          expect(only && 'object' in only && only.object).toEqual('object' in part && part.object);
        }
      },
    ),
  );
});
