import { expect, test } from 'vitest';
import { unknownFinder } from './unknown.ts';

const find = unknownFinder(['a', 'b.c', 'v.0', 'v.1']);

test.each([
  [{ a: 1, b: { c: 2 }, v: [1, 2] }, 0, null],
  [{ v: [] }, 0, null],
  [{ v: [1, 2, 3] }, 1, { v: [1, 2, 3] }], // whole: an element without its neighbours would have another place
  [{ v: { 0: 1, 2: 3 } }, 1, { v: { 2: 3 } }],
  [{ a: [1], b: { c: 1, d: [1] } }, 1, { b: { d: [1] } }],
  [{ b: [] }, 1, { b: [] }],
])('of %j %i are unknown: %j', (object, count, extra) => {
  expect(find(object)).toEqual({ count, extra });
});
