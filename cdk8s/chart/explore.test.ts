import { describe, expect, test } from 'vitest';
import { checksumOf } from '../constructs/checksum.ts';
import type { Manifest } from '../constructs/manifest.ts';
import type { Values } from '../platform/values.ts';
import { explore } from './explore.ts';
import { VALUES } from './schema.ts';

const object = (data: unknown): Manifest => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data });
const exploreData = (data: (values: Values) => unknown) => explore('part', VALUES, (values) => [object(data(values))]);

describe('what a part asks for', () => {
  test.each<[string, (values: Values) => unknown, number, string[]]>([
    ['nothing', () => 1, 1, []],
    ['opaque values only', ({ image, kafka }) => [image, kafka.storage.size], 1, []],
    ['a flag', ({ grafana }) => grafana.enabled, 2, ['grafana.enabled']],
    ['a number that decides', ({ kafka }) => kafka.nodes, 2, ['kafka.nodes']],
    [
      'one value only where another is not there',
      ({ kafka }) => (kafka.external ? kafka.external.brokers : kafka.nodes),
      3,
      ['kafka.external?', 'kafka.nodes'],
    ],
  ])('%s', (_, data, runs, asked) => {
    const explored = exploreData(data);
    expect(explored.runs).toHaveLength(runs);
    expect([...explored.variables.keys()]).toEqual(asked);
  });
});

describe('a part that computes with an opaque value is refused', () => {
  test.each<[string, (values: Values) => unknown]>([
    ['its length', ({ image }) => `${image.length}`],
    ['a piece of it', ({ image }) => image.slice(3)],
    ['its number', ({ database }) => Number(database.storage.size)],
    ['its double', ({ database }) => (database.external ? database.external.port * 2 : 0)],
    ['its bytes', ({ namespace }) => Buffer.from(namespace).toString('base64')],
    ['as a name of a member', ({ namespace }) => ({ [namespace]: 1 })],
    ['in capitals', ({ image }) => image.toUpperCase()],
  ])('%s', (_, data) => {
    expect(() => exploreData(data)).toThrow(/opaque value/);
  });

  test('how many objects there are', () => {
    expect(() => explore('part', VALUES, ({ image }) => Array.from({ length: image.length }, () => object(1)))).toThrow(
      /number of objects depends on an opaque value/,
    );
  });
});

test('a value is recognised inside of text, of JSON and of JSON in JSON, and what is hashed is kept', () => {
  const { runs, refs } = exploreData(({ image }) => [
    `a ${image}\nb`,
    JSON.stringify({ image }),
    JSON.stringify(JSON.stringify({ image })),
    checksumOf({ file: `x${image}` }, 8),
  ]);
  const [index] = refs.flatMap(({ place }, at) => (place.path.join('.') === 'image' ? [at] : []));
  const [{ result } = { result: [] }] = runs;
  const [{ members } = { members: {} }] = result as { members: Record<string, unknown> }[];
  expect(members.data).toEqual([
    { pieces: ['a ', { ref: index, quoted: 0 }, '\n', 'b'] },
    { pieces: ['{"image":"', { ref: index, quoted: 1 }, '"}'] },
    { pieces: ['"{\\"image\\":\\"', { ref: index, quoted: 2 }, '\\"}"'] },
    { pieces: [{ checksum: 8, of: [{ name: 'file', content: { pieces: ['x', { ref: index, quoted: 0 }] } }] }] },
  ]);
});
