/** What is wrong with a file as YAML. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { changed, GOOD, problemsOf } from '../testing/spec.ts';
import { parsePipelines, SpecError } from './load.ts';

describe('the text', () => {
  test.each<[string, string | Uint8Array, number, number, RegExp, RegExp]>([
    ['an empty file', '', 1, 1, /no Pipeline/, /a Pipeline/],
    ['only comments', '# nothing\n---\n---\n', 1, 1, /no Pipeline/, /a Pipeline/],
    ['another kind of file', 'a,b\n1,2\n', 1, 1, /wrong type/, /an object of apiVersion/],
    ['a name twice', changed(20, '    name: a\n    name: b'), 21, 5, /twice/, /once/],
    ['a list that is not closed', changed(23, '    - { every: 1h, of: [speed }'), 23, 31, /./, /YAML/],
    ['a tab', changed(20, '\tname: a'), 20, 1, /./, /YAML/],
    ['an unknown tag', changed(20, '    name: !!js/function a'), 20, 11, /tag/i, /YAML/],
    ['__proto__', changed(12, '      __proto__: { type: text }'), 12, 7, /cannot be used/, /another name/],
    [
      'a number that is not exact',
      changed(12, '      device: { type: text, nulls: [12345678901234567890] }'),
      12,
      37,
      /too large to stay exact/,
      /quotes/,
    ],
    ['bytes that are no text', Uint8Array.from([0xff, 0xfe, 0x00]), 1, 1, /no text/, /UTF-8/],
    ['more than 1 MiB', `# ${'x'.repeat(1_048_576)}`, 1, 1, /too large/, /1048576 bytes/],
    ['a name 30,000 times', 'a: 1\n'.repeat(30_000), 2, 1, /twice/, /once/],
    ['a name 200,000 times', 'a: 1\n'.repeat(200_000), 40_001, 1, /holds too much/, /at most 200000, or several files/],
    ['thousands of documents', '{}\n---\n'.repeat(140_000), 1, 1, /too many documents/, /at most 1000/],
    ['a tag of a megabyte', '!'.repeat(1_000_000), 1, 1, /^.{1,200}$/, /YAML/],
    ['a thousand brackets', '['.repeat(100_000), 1, 101, /nested too deep/, /at most 100 levels/],
    ['a thousand lists', `- ok\n${'- '.repeat(1_000)}`, 2, 201, /nested too deep/, /at most 100 levels/],
    [
      'aliases that explode',
      `a: &a [x, x]\nb: &b [${'*a, '.repeat(60)}]\nc: &c [${'*b, '.repeat(60)}]\nd: [${'*c, '.repeat(60)}]\n`,
      1,
      1,
      /alias/i,
      /100/,
    ],
  ])('%s', (_what, text, line, column, message, allowed) => {
    const [problem] = problemsOf(text);
    expect(problem).toMatchObject({ file: 'p.yaml', line, column });
    expect(problem?.message).toMatch(message);
    expect(problem?.allowed).toMatch(allowed);
  });

  test('JSON is YAML', () => {
    const json = JSON.stringify({
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'Pipeline',
      metadata: { name: 'a' },
      spec: {
        source: { replay: { path: 'a.csv' } },
        record: { key: 'k', time: { field: 't' }, fields: { k: { type: 'text', required: true } } },
        table: { name: 'a' },
      },
    });
    expect(parsePipelines(json, 'a.json')).toHaveLength(1);
    expect(problemsOf(json.replace('"a.csv"', '7'))[0]).toMatchObject({ line: 1, path: 'spec.source.replay.path' });
  });

  test('anchors may be used, and an error in what they stand for is found where it is written', () => {
    const text = changed(13, '      speed: &speed { type: float }\n      other: *speed');
    expect(problemsOf(text)).toEqual([]);
    expect(problemsOf(text.replace('float }', 'floot }')).map(({ path, line }) => [path, line])).toEqual([
      ['spec.record.fields.speed.type', 13],
      ['spec.record.fields.other.type', 13],
    ]);
  });
});

test('whatever text comes, the answer is Pipelines or a SpecError', () => {
  const throwsOnlySpecErrors = (text: string | Uint8Array): void => {
    try {
      parsePipelines(text, 'p.yaml');
    } catch (error) {
      expect(error).toBeInstanceOf(SpecError);
      for (const { line, column, found, allowed, message } of (error as SpecError).problems) {
        expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
        expect([found, allowed, message].every((text) => text.length > 0)).toBe(true);
      }
    }
  };
  const lines = GOOD.split('\n');
  const anyLine = fc.constantFrom(...lines, '---', '  - a', 'x: &a [*a]', '<<: *a', '? [a]', 'a: |', '"', '%YAML 1.1');
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), throwsOnlySpecErrors), { numRuns: 150 });
  fc.assert(
    fc.property(fc.array(anyLine, { maxLength: 40 }), (some) => throwsOnlySpecErrors(some.join('\n'))),
    { numRuns: 150 },
  );
  // A right Pipeline with any value somewhere.
  const place = fc.constantFrom(...lines.flatMap((line, index) => (line.includes(':') ? [index] : [])));
  fc.assert(
    fc.property(place, fc.jsonValue(), (index, value) => {
      const line = lines[index] ?? '';
      const text = line.replace(/:.*$/, `: ${stringify(value, { collectionStyle: 'flow' }).trim()}`);
      throwsOnlySpecErrors(changed(index + 1, text));
    }),
    { numRuns: 200 },
  );
});
