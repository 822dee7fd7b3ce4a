import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type LoadedPipeline, loadPipelines, type Problem, parsePipelines, problemText, SpecError } from './load.ts';

/** Line 1 is the first; the tests below change one line of it. */
const GOOD = `apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: traffic }
spec:
  source:
    replay: { path: a.csv }
  topics: { partitions: 6 }
  record:
    key: device
    time: { field: at }
    fields:
      device: { type: text, required: true }
      speed: { type: float, min: 0, max: 300 }
      place: { type: point }
    derive:
      - { name: fast, type: bool, cel: "speed > 100" }
    where:
      - { name: gone, cel: "device != 'x'" }
  table:
    name: events
    retain: 1y
  rollups:
    - { every: 1h, of: [speed] }
`;

function problemsOf(text: string | Uint8Array): readonly Problem[] {
  try {
    parsePipelines(text, 'p.yaml');
  } catch (error) {
    if (error instanceof SpecError) return error.problems;
    throw error;
  }
  return [];
}

/** GOOD with one line replaced (by its number) or lines added after it. */
function changed(line: number, text: string): string {
  const lines = GOOD.split('\n');
  lines[line - 1] = text;
  return lines.join('\n');
}

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

describe('what does not go together', () => {
  test.each<[number, string, string, RegExp, RegExp]>([
    [3, 'metadata: { name: traffic, namespace: millrace }', 'metadata.namespace', /own tables/, /another namespace/],
    [6, '    http: { path: /logs }', 'spec.source.http', /not built yet/, /replay or source\.simulator/],
    [6, '    mqtt: { url: "mqtt://x", topics: [a] }', 'spec.source.mqtt', /not built yet/, /replay/],
    [6, '    topic: { name: a }', 'spec.source.topic', /not built yet/, /replay/],
    [6, '    topic: { name: default.traffic.dlq }', 'spec.source.topic.name', /reads? what it writes/, /another topic/],
    [6, '    replay: { path: data/readings }', 'spec.source.replay.path', /does not tell/, /\.csv, \.json/],
    [6, '    replay: { path: a.json.gz, delimiter: ";" }', 'spec.source.replay.delimiter', /no delimiter/, /csv/],
    [6, '    simulator: { seed: 1, devices: 2 }', 'spec.source.simulator', /neither rate nor step/, /rate, step/],
    [
      6,
      '    simulator: { seed: 1, devices: 2, rate: 1, faults: { every: 2, kinds: [badTime, colour] } }',
      'spec.source.simulator.faults.kinds[1]',
      /cannot be "colour"/,
      /missing, outOfRange/,
    ],
    [
      6,
      '    simulator: { seed: 1, devices: 2, rate: 1, faults: { every: 2, kinds: [badTime, nulByte] } }',
      'spec.source.simulator.faults.kinds[1]',
      /needs a text field without enum/,
      /missing, outOfRange, wrongType, badTime, notJson$/,
    ],
    [9, '    key: devise', 'spec.record.key', /no field "devise"; did you mean "device"/, /device, speed/],
    [9, '    key: place', 'spec.record.key', /point/, /device, speed/],
    [9, '    key: device\n    decode: frame', 'spec.record.decode', /"frame" is not built yet/, /^json$/],
    [10, '    time: { field: at, zone: America/Chigaco }', 'spec.record.time.zone', /no such zone/, /IANA/],
    [10, '    time: { field: at, format: yyyy }', 'spec.record.time.format', /date/, /Luxon/],
    [10, '    time: { field: at, format: "yyyy-MM-dd hh:mm" }', 'spec.record.time.format', /alone/, /Luxon/],
    [12, '      device: { type: text, min: 3 }', 'spec.record.fields.device.min', /type text has no min/, /int, float/],
    [12, '      device: { type: text, zone: UTC }', 'spec.record.fields.device.zone', /has no zone/, /time/],
    [12, '      device: { type: text, default: 3 }', 'spec.record.fields.device.default', /no text/, /quotes/],
    [12, '      device: { type: text, enum: [a, b], default: c }', 'spec.record.fields.device.default', /not in enum/, /a, b/],
    [13, '      speed: { type: float, enum: [a] }', 'spec.record.fields.speed.enum', /has no enum/, /text/],
    [13, '      speed: { type: float, min: 3, max: 2 }', 'spec.record.fields.speed.min', /above max 2/, /at most 2/],
    [13, '      speed: { type: float, default: fast }', 'spec.record.fields.speed.default', /no float/, /a number/],
    [13, '      speed: { type: int, default: 1.5 }', 'spec.record.fields.speed.default', /no int/, /whole number/],
    [13, '      speed: { type: float, max: 5, default: 7 }', 'spec.record.fields.speed.default', /out of range/, /to 5/],
    [13, '      speed: { type: float, strip: ",." }', 'spec.record.fields.speed.strip', /decimal mark/, /no number needs/],
    [13, '      speed: { type: time, format: "hh" }', 'spec.record.fields.speed.format', /date/, /Luxon/],
    [13, '      speed: { type: time, default: soon }', 'spec.record.fields.speed.default', /no time/, /format of the field/],
    [14, '      place: { type: point, default: 1 }', 'spec.record.fields.place.default', /point has no default/, /text, int/],
    [14, '      time: { type: time }', 'spec.record.fields.time', /kept for the time/, /another name/],
    [14, '      extra: { type: text }', 'spec.record.fields.extra', /unknown fields/, /another name/],
    [14, '      ctid: { type: text }', 'spec.record.fields.ctid', /system column/, /another name/],
    [
      16,
      '      - { name: speed, type: bool, cel: "true" }',
      'spec.record.derive[0].name',
      /comes twice: from the field speed and derive\[0\]/,
      /once/,
    ],
    [14, '      place: { type: point }\n      place_lat: { type: float }', 'spec.record.fields.place_lat', /comes twice/, /once/],
    [
      16,
      '      - { name: fast, type: bool, cel: "sped > 100" }',
      'spec.record.derive[0].cel',
      /unknown column "sped"; did you mean "speed"\?.*character 1/,
      /place_lat \(float\)/,
    ],
    [16, '      - { name: fast, type: int, cel: "speed" }', 'spec.record.derive[0].cel', /gives float, not int/, /gives int/],
    [
      16,
      '      - { name: a, type: float, cel: "b" }\n      - { name: b, type: float, cel: "speed" }',
      'spec.record.derive[0].cel',
      /unknown column "b"/,
      /speed/,
    ],
    [18, '      - { name: gone, cel: "speed" }', 'spec.record.where[0].cel', /gives float, not bool/, /bool/],
    [
      18,
      '      - { name: gone, cel: "fast" }\n      - { name: gone, cel: "fast" }',
      'spec.record.where[1].name',
      /two filters/,
      /name of its own/,
    ],
    [20, `    name: ${'e'.repeat(57)}`, 'spec.table.name', /too long.*64 characters/, /at most 56/],
    [20, '    name: events\n    unique: { keep: last }', 'spec.table.unique.keep', /without columns/, /"time"/],
    [20, '    name: events\n    unique: { columns: [device] }', 'spec.table.unique.columns', /"time" is missing/, /time/],
    [
      20,
      '    name: events\n    unique: { columns: [time, devise] }',
      'spec.table.unique.columns[1]',
      /no column "devise"; did you mean "device"/,
      /device/,
    ],
    [20, '    name: events\n    unique: { columns: [time, time] }', 'spec.table.unique.columns[1]', /twice/, /device/],
    [20, '    name: events\n    compress: { after: 7d, by: devise }', 'spec.table.compress.by', /no column "devise"/, /device/],
    [
      20,
      '    name: events\n    compress: { after: 2y }',
      'spec.table.compress.after',
      /before they would be compressed/,
      /less than 1y/,
    ],
    [23, '    - { every: 1h, of: [device] }', 'spec.rollups[0].of[0]', /is text/, /speed, place_lat/],
    [23, '    - { every: 1h, of: [sped] }', 'spec.rollups[0].of[0]', /did you mean "speed"/, /numeric/],
    [23, '    - { every: 1h, of: [speed], by: [time] }', 'spec.rollups[0].by[0]', /does not go here/, /device/],
    [
      23,
      '    - { every: 1h, of: [speed] }\n    - { every: 1h, of: [place_lat] }',
      'spec.rollups[1].every',
      /"events_1h"/,
      /interval of its own/,
    ],
    [23, '    - { every: 1w, of: [speed], retain: 1d }', 'spec.rollups[0].retain', /before it is full/, /at least 1w/],
    [23, '    - { every: 20w, of: [speed] }', 'spec.rollups[0].every', /less than three buckets/, /third of table\.retain/],
    [23, '    - { every: 1h, of: [speed] }\n  scale: { min: 4, max: 3 }', 'spec.scale.min', /above max 3/, /at most 3/],
    [23, '    - { every: 1h, of: [speed] }\n  scale: { max: 7 }', 'spec.scale.max', /above the 6 partitions/, /at most 6/],
    [
      23,
      '    - { every: 1h, of: [speed] }\n  alerts: { lagSeconds: { warn: 3, critical: 3 } }',
      'spec.alerts.lagSeconds.warn',
      /not below critical 3/,
      /less than 3/,
    ],
  ])('line %i: %s', (line, text, path, message, allowed) => {
    const problem = problemsOf(changed(line, text)).find((candidate) => candidate.path === path);
    expect(problem?.message).toMatch(message);
    expect(problem?.allowed).toMatch(allowed);
    expect(problem?.line).toBeGreaterThanOrEqual(line);
    expect(problem?.line).toBeLessThan(line + text.split('\n').length);
  });

  test.each([
    [
      'a key that is a whole number',
      12,
      '      device: { type: int, required: true }',
      18,
      '      - { name: gone, cel: "device != 3" }',
    ],
    ['a default that is in range', 13, '      speed: { type: float, min: 0, max: 9, default: 3 }', 7, ''],
    [
      'every kind of fault that fits',
      6,
      '    simulator: { seed: 1, devices: 2, step: 1s, faults: { every: 2, kinds: [missing, outOfRange, badTime] } }',
      7,
      '',
    ],
    ['unique columns with time', 20, '    name: events\n    unique: { columns: [device, time], keep: first }', 7, ''],
    ['an empty unique', 20, '    name: events\n    unique: {}', 7, ''],
    ['an extra column', 20, '    name: events\n    extra: true', 7, ''],
  ])('%s is right', (_what, line, text, otherLine, otherText) => {
    const lines = changed(line, text).split('\n');
    expect(
      problemsOf(lines.map((old, index) => (index === otherLine - 1 && otherText !== '' ? otherText : old)).join('\n')),
    ).toEqual([]);
  });
});

describe('more columns than PostgreSQL takes', () => {
  const fields = (count: number, type: string): string =>
    Array.from({ length: count }, (_, at) => `      f${at}: { type: ${type} }`).join('\n');
  const derived = Array.from({ length: 250 }, (_, at) => `      - { name: d${at}, type: int, cel: "1" }`).join('\n');

  test('ten thousand fields', () => {
    const [problem] = problemsOf(changed(13, `      speed: { type: float }\n${fields(10_000, 'int')}`));
    expect(problem).toMatchObject({ path: 'spec.record.fields' });
    expect(problem?.message).toMatch(/at most 700 fields: PostgreSQL allows 1,600 columns in a table/);
  });

  test('few enough fields, but points, with too many derived columns', () => {
    const text = changed(13, `      speed: { type: float }\n${fields(690, 'point')}`).replace(
      '    derive:',
      `    derive:\n${derived}`,
    );
    const [problem] = problemsOf(text);
    expect(problem).toMatchObject({ path: 'spec.record.fields', found: expect.stringMatching(/693 fields .* 251 derived/) });
    expect(problem?.message).toMatch(/the table would have 1636 columns, more than PostgreSQL allows/);
  });
});

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
