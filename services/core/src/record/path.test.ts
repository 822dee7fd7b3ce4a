import { expect, test } from 'vitest';
import { parseJson, RawNumber } from './json.ts';
import { readPath } from './path.ts';

const object = parseJson(
  '{"a":1,"values":{"x":2,"y":null,"deep.key":{"z":3}},"values.x":4,"list":[{"t":5}],"text":"abc","big":0.12345678901234567891,"p.q":{"r.s":6}}',
);

test.each([
  ['a', 1],
  ['values.x', 4],
  ['values.y', null],
  ['values.deep.key.z', 3],
  ['list.0.t', 5],
  ['p.q.r.s', 6],
  ['missing', undefined],
  ['values.missing', undefined],
  ['a.b', undefined],
  ['text.length', undefined],
  ['text.0', undefined],
  ['list.length', undefined],
  ['big.source', undefined],
  ['constructor', undefined],
  ['values.constructor.name', undefined],
  ['__proto__', undefined],
  ['', undefined],
  ['.', undefined],
])('%s', (path, expected) => {
  expect(readPath(object, path)).toEqual(expected);
});

test('nothing is read from what is no object', () => {
  for (const value of [null, undefined, 1, 'text', true, new RawNumber('1')]) expect(readPath(value, 'source')).toBeUndefined();
});
