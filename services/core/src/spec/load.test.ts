import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { changed, GOOD, problemsOf } from '../testing/spec.ts';
import { type LoadedPipeline, loadPipelines, type Problem, parsePipelines, problemText, SpecError } from './load.ts';

test('the Pipeline that the other tests break is right', () => {
  const [loaded] = parsePipelines(GOOD, '/data/p.yaml') as [LoadedPipeline];
  expect(loaded.pipeline.metadata.name).toBe('traffic');
  expect(loaded.folder).toBe('/data');
  expect(loaded.warnings).toEqual([]);
});

describe('the structure', () => {
  test.each<[number, string, number, string, RegExp, RegExp, RegExp]>([
    [1, 'apiVersion: millrace.dev/v1', 13, 'apiVersion', /cannot be/, /"millrace\.dev\/v1"/, /^millrace\.dev\/v1alpha1$/],
    [2, 'kind: Pipelin', 7, 'kind', /did you mean "Pipeline"/, /"Pipelin"/, /^Pipeline$/],
    [3, 'metadata: { name: Traffic }', 19, 'metadata.name', /right form/, /"Traffic"/, /lower-case/],
    [3, 'metadata: {}', 11, 'metadata.name', /missing/, /nothing/, /lower-case/],
    [
      6,
      '    replay: { paht: a.csv, path: b.csv }',
      15,
      'spec.source.replay.paht',
      /did you mean "path"/,
      /"paht"/,
      /path, format/,
    ],
    [6, '    {}', 5, 'spec.source', /exactly one of replay/, /empty object/, /replay, http, mqtt, simulator, topic/],
    [6, '    replay: { path: 3 }', 21, 'spec.source.replay.path', /wrong type/, /3/, /text/],
    [
      6,
      '    replay: { path: a.csv, pace: { unlimited: true, interval: 1s } }',
      34,
      'spec.source.replay.pace',
      /exactly one/,
      /unlimited, interval/,
      /unlimited, interval, multiplier/,
    ],
    [
      6,
      '    replay: { path: a.csv, clock: shfit }',
      35,
      'spec.source.replay.clock',
      /did you mean "shift"/,
      /"shfit"/,
      /original, now, shift/,
    ],
    [6, '    replay: { path: a.csv, limit: -1 }', 35, 'spec.source.replay.limit', /too small/, /-1/, /whole number, at least 0/],
    [
      7,
      '  topics: { partitons: 6 }',
      13,
      'spec.topics.partitons',
      /did you mean "partitions"/,
      /"partitons" with 6/,
      /partitions, retention/,
    ],
    [7, '  topics: { partitions: 0 }', 25, 'spec.topics.partitions', /too small/, /0/, /from 1 to 1000/],
    [7, '  topics: { partitions: 6.5 }', 25, 'spec.topics.partitions', /wrong type/, /6\.5/, /whole number/],
    [7, '  topics: { retention: 7 days }', 24, 'spec.topics.retention', /right form/, /"7 days"/, /such as 90s or 7d/],
    [7, '  topics: { retention: 0d }', 24, 'spec.topics.retention', /right form/, /"0d"/, /whole number from 1/],
    [7, '  topics:', 10, 'spec.topics', /wrong type/, /null/, /an object of partitions/],
    [12, '      device: { type: txt }', 23, 'spec.record.fields.device.type', /did you mean "text"/, /"txt"/, /text, int, float/],
    [
      12,
      '      device: { type: text, required: yes }',
      39,
      'spec.record.fields.device.required',
      /wrong type/,
      /"yes"/,
      /true or false/,
    ],
    [
      12,
      '      device: { type: text, from: [] }',
      35,
      'spec.record.fields.device.from',
      /wrong type|too small/,
      /empty list/,
      /a list of 1 to 16/,
    ],
    [12, '      2nd: { type: text }', 7, 'spec.record.fields.2nd', /name is not allowed/, /"2nd"/, /not starting with a digit/],
    [12, '      __x: { type: text }', 7, 'spec.record.fields.__x', /name is not allowed/, /"__x"/, /__/],
    [12, '      "a b": { type: text }', 7, 'spec.record.fields."a b"', /name is not allowed/, /"a b"/, /letters, digits and _/],
    [20, '    nmae: events', 5, 'spec.table.nmae', /did you mean "name"/, /"nmae"/, /name, unique/],
    [23, '    - { every: 1h, of: speed }', 24, 'spec.rollups[0].of', /wrong type/, /"speed"/, /a list of 1 to 64/],
  ])('line %i: %s', (line, text, column, path, message, found, allowed) => {
    const problem = problemsOf(changed(line, text)).find((candidate) => candidate.path === path);
    expect(problem).toMatchObject({ file: 'p.yaml', line, column, path });
    expect(problem?.message).toMatch(message);
    expect(problem?.found).toMatch(found);
    expect(problem?.allowed).toMatch(allowed);
  });
});

describe('several Pipelines', () => {
  test('all problems of all documents come at once', () => {
    const text = `${changed(7, '  topics: { partitons: 6 }')}---\n${changed(9, '    key: devise')}`;
    expect(problemsOf(text).map(({ path, line }) => [path, line])).toEqual([
      ['spec.topics.partitons', 7],
      ['spec.record.key', 33],
    ]);
  });

  test.each<[string, (text: string) => string, string, RegExp]>([
    ['the same name', (text) => text, 'metadata.name', /the name default\/traffic belongs to .* in p\.yaml already/],
    [
      'the same table',
      (text) => text.replace('name: traffic', 'name: other'),
      'spec.table.name',
      /the table default\.events belongs to/,
    ],
    [
      "another's roll-up as table",
      (text) => text.replace('name: traffic', 'name: other').replace('name: events', 'name: events_1h'),
      'spec.table.name',
      /the table default\.events_1h/,
    ],
    [
      'the same topics',
      (text) => text.replace('name: traffic', 'name: other').replace('partitions: 6', 'prefix: default.traffic'),
      'spec.topics.prefix',
      /the topic default\.traffic\.raw/,
    ],
    [
      'topics that Kafka confuses',
      (text) => text.replace('name: traffic', 'name: other').replace('partitions: 6', 'prefix: default_traffic'),
      'spec.topics.prefix',
      /the topic default_traffic\.raw/,
    ],
  ])('%s is refused', (_what, change, path, message) => {
    const [problem] = problemsOf(`${GOOD}---\n${change(GOOD)}`);
    expect(problem?.path).toBe(path);
    expect(problem?.message).toMatch(message);
    expect(problem?.line).toBeGreaterThan(24);
  });

  test('the same name in another namespace is another Pipeline', () => {
    const other = GOOD.replace('{ name: traffic }', '{ name: traffic, namespace: city }');
    expect(parsePipelines(`${GOOD}---\n${other}`, 'p.yaml')).toHaveLength(2);
  });
});

describe('files', () => {
  test('are loaded together; each problem names its file, also a file that is not there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-spec-'));
    try {
      const [a, b, c] = ['a.yaml', 'b.yaml', 'c.yaml'].map((name) => join(folder, name)) as [string, string, string];
      await writeFile(a, GOOD);
      await writeFile(b, GOOD);
      const [loaded] = await loadPipelines(a);
      expect(loaded).toMatchObject({ file: a, folder, warnings: [] });
      const error = await loadPipelines([a, b, c, folder]).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SpecError);
      expect((error as SpecError).problems.map(({ file, found }) => [file, found])).toEqual([
        [c, 'no such file'],
        [folder, expect.stringMatching(/EISDIR/)],
        [b, 'the name default/traffic'],
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('a problem reads as place, what is wrong, what was found and what is allowed', () => {
  const [problem] = problemsOf(changed(7, '  topics: { partitons: 6 }')) as [Problem];
  expect(problemText(problem)).toBe(
    'p.yaml:7:13 spec.topics.partitons: unknown field "partitons"; did you mean "partitions"?\n' +
      '  found:   "partitons" with 6\n' +
      '  allowed: partitions, retention, replicas, prefix',
  );
});

test('what has no effect here is said, and is no error', () => {
  const text = changed(12, '      device: { type: text }').replace(
    '  table:',
    '  scale: { min: 1 }\n  deletionPolicy: Delete\n  table:',
  );
  const [loaded] = parsePipelines(text.replace('retain: 1y', 'retain: 1y\n    chunk: 2y'), 'p.yaml') as [LoadedPipeline];
  expect(loaded.warnings).toEqual([
    expect.stringMatching(/spec\.scale has no effect/),
    expect.stringMatching(/spec\.deletionPolicy has no effect/),
    expect.stringMatching(/device is the key and not required/),
    expect.stringMatching(/less than a chunk of 2y/),
  ]);
});
