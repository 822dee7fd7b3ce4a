import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { encodeUnreadable, type Unreadable } from '@millrace/core/record/raw.ts';
import { decodeRow } from '@millrace/core/record/row.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { RecordRules } from '@millrace/core/spec/record.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileTransform, type Outcome, type Transformed } from './transform.ts';

const RULES: RecordRules = {
  key: 'device',
  time: { field: ['ts', 'time'], format: 'epoch_ms' },
  fields: {
    device: { type: 'text', required: true, from: 'id' },
    speed: { type: 'float', from: 'values.speed', min: 0 },
    status: { type: 'text', default: 'UNKNOWN' },
    at: { type: 'point' },
  },
  derive: [
    { name: 'fast', type: 'bool', cel: 'speed > 100.0' },
    { name: 'share', type: 'int', cel: '100 / (status.size() - 3)' },
  ],
  where: [{ name: 'removed', cel: "status != 'REMOVED'" }],
};

function pipelineOf(record: RecordRules = RULES, extra = false): Pipeline {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'test' },
    spec: { source: { simulator: { seed: 1, devices: 1 } }, record, table: { name: 'test', extra } },
  };
}

function raw(value: unknown): KafkaRecord {
  const bytes =
    value === null || Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return { offset: 7, timestampMs: 1, key: Buffer.from('k'), value: bytes, headers: {} };
}

function run(value: unknown, pipeline = pipelineOf()): Transformed {
  return compileTransform(pipeline)(raw(value));
}

function first(value: unknown, pipeline = pipelineOf()): Outcome {
  return run(value, pipeline).outcomes[0] as Outcome;
}

const GOOD = { id: 'a', ts: 1000, status: 'OK', values: { speed: 120 }, at: 'POINT (1 2)' };

test('a record becomes a row, derived columns after fields', () => {
  const outcome = first(GOOD);
  expect(outcome).toMatchObject({
    kind: 'row',
    index: 0,
    row: {
      time: '1970-01-01T00:00:01.000Z',
      device: 'a',
      speed: 120,
      status: 'OK',
      at_lat: 2,
      at_lon: 1,
      fast: true,
      share: -100,
    },
  });
  if (outcome.kind !== 'row') throw new Error(outcome.kind);
  expect({ ...decodeRow(outcome.value, columnsOf(pipelineOf())) }).toEqual({ ...outcome.row });
});

test('a null input gives a null derived value', () => {
  expect(first({ id: 'a', ts: 1 })).toMatchObject({ kind: 'row', row: { fast: null, status: 'UNKNOWN' } });
});

describe('a bad record is refused with stage, reason and message', () => {
  test.each<[string, unknown, string, string, RegExp]>([
    ['tombstone', null, 'decode', 'empty', /has no value; allowed is JSON/],
    ['nothing', '', 'decode', 'parse', /the text is empty/],
    ['not JSON', '{"a":', 'decode', 'parse', /not JSON/],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'decode', 'parse', /not UTF-8/],
    ['a number', '5', 'decode', 'type', /the record is a number \(5\); allowed is a JSON object/],
    ['null', 'null', 'decode', 'type', /the record is null/],
    ['an empty array', '[]', 'decode', 'empty', /empty array/],
    ['a huge array', `[${'0,'.repeat(10_000)}0]`, 'decode', 'size', /10001 elements; allowed are at most 10000/],
    ['deep nesting', '['.repeat(100_000), 'decode', 'parse', /nested too deeply/],
    ['too large', `{"a":"${'x'.repeat(1_048_576)}"}`, 'decode', 'size', /has 1048584 bytes; allowed are 1048576/],
    ['no time', { id: 'a' }, 'validate', 'missing', /field time \(from ts, time\) is missing/],
    ['a bad time', { ...GOOD, ts: 'x' }, 'validate', 'time', /field time \(from ts, time\) is "x"/],
    ['no device', { ts: 1 }, 'validate', 'missing', /field device \(from id\) is missing/],
    [
      'out of range',
      { ...GOOD, values: { speed: -1 } },
      'validate',
      'range',
      /field speed \(from values.speed\) is -1; allowed is at least 0/,
    ],
    ['a division by zero', { ...GOOD, status: 'abc' }, 'derive', 'division_by_zero', /derive share: /],
  ])('%s', (_name, value, stage, reason, message) => {
    const outcome = first(value);
    expect(outcome).toMatchObject({ kind: 'refused', index: 0, stage, reason, value: null });
    if (outcome.kind === 'refused') expect(outcome.message).toMatch(message);
  });

  test('an error in a filter', () => {
    const pipeline = pipelineOf({ ...RULES, derive: [], where: [{ name: 'odd', cel: '1 / (status.size() - 3) == 0' }] });
    expect(first({ ...GOOD, status: 'abc' }, pipeline)).toMatchObject({
      kind: 'refused',
      stage: 'filter',
      reason: 'division_by_zero',
    });
  });

  test('too many values', () => {
    const pipeline = pipelineOf({ ...RULES, maxBytes: 4_000_000 });
    expect(first(`{"a":[${'{},'.repeat(500_000)}0]}`, pipeline)).toMatchObject({
      reason: 'parse',
      message: 'about 1000003 values; allowed are at most 600000 in one record',
    });
  });

  test('a row that grew too large', () => {
    const grow = Array.from({ length: 6 }, (_, n) => ({ name: `d${n}`, type: 'text' as const, cel: 'status + status' }));
    const pipeline = pipelineOf({ ...RULES, maxBytes: 100_000, derive: grow });
    expect(first({ ...GOOD, status: 'x'.repeat(90_000) }, pipeline)).toMatchObject({
      kind: 'refused',
      stage: 'derive',
      reason: 'size',
    });
  });
});

describe('what the source could not read is refused with its text, whatever the value is', () => {
  const refusedBySource = (unreadable: Unreadable, value: unknown) => {
    const headers = Object.entries(encodeUnreadable(unreadable)).map(([name, text]) => [name, Buffer.from(text)]);
    return compileTransform(pipelineOf())({ ...raw(value), headers: Object.fromEntries(headers) });
  };
  const message = 'at byte 7 of x.csv: the csv row has 1 values';
  const outcome = { kind: 'refused', index: 0, stage: 'decode', message, value: null, unreadable: true };

  test.each(['b', JSON.stringify([GOOD, GOOD]), `{"a":"${'x'.repeat(1_048_576)}"}`, null])('%.20j', (value) => {
    expect(refusedBySource({ message }, value)).toEqual({ outcomes: [{ ...outcome, reason: 'parse' }], unknownFields: 0 });
  });

  test('too large: with length and hash of the whole', () => {
    const oversize = { length: 10_000_000, sha256: 'ab'.repeat(32) };
    expect(refusedBySource({ message, oversize }, GOOD)).toEqual({
      outcomes: [{ ...outcome, reason: 'size', oversize }],
      unknownFields: 0,
    });
  });
});

describe('a redriven record', () => {
  const redriven = (as: string, value: unknown, pipeline = pipelineOf()) => {
    const headers = { 'millrace.redrive': Buffer.from(`id:0:7:0:1:1:${as}`) };
    return compileTransform(pipeline)({ ...raw(value), headers });
  };

  test('of raw bytes ends as any other raw record', () => {
    expect(redriven('raw', [GOOD])).toEqual(compileTransform(pipelineOf())(raw([GOOD])));
    expect(redriven('raw', 'b').outcomes).toMatchObject([{ kind: 'refused', reason: 'parse' }]);
  });

  test('that is a row goes on as it is, though the rules would not make it', () => {
    const value = Buffer.from('{"time":"2020-07-15T04:08:14Z","device":"a","speed":-5,"status":"REMOVED"}');
    const { outcomes } = redriven('row', value);
    expect(outcomes).toMatchObject([{ kind: 'row', index: 0, value, row: { device: 'a', speed: -5 } }]);
  });

  test.each([
    [
      'with a column that the table has no longer',
      'row',
      '{"gone":1}',
      'columns',
      /the member "gone"; allowed are the columns time/,
    ],
    ['without a value', 'row', null, 'empty', /allowed is a row/],
    ['with a header of another writer', 'nonsense', GOOD, 'redrive', /header millrace.redrive is "id:0:7:0:1:1:nonsense"/],
  ])('%s is refused', (_case, as, value, reason, message) => {
    const refused = { kind: 'refused', stage: 'decode', reason, message: expect.stringMatching(message) };
    expect(redriven(as, value).outcomes).toMatchObject([refused]);
  });
});

test('a filter drops under its name', () => {
  expect(first({ ...GOOD, status: 'REMOVED' })).toEqual({ kind: 'dropped', index: 0, filter: 'removed' });
});

test('each element of an array has its own end, a bad one holds up no other', () => {
  const big = '{"id":"b","ts":12345678901234567890,"n":0.12345678901234567890}';
  const { outcomes } = run(
    `[${JSON.stringify(GOOD)},5,${big},${JSON.stringify({ ...GOOD, status: 'REMOVED' })},${JSON.stringify(GOOD)}]`,
  );
  expect(outcomes.map(({ kind, index }) => [index, kind])).toEqual([
    [0, 'row'],
    [1, 'refused'],
    [2, 'refused'],
    [3, 'dropped'],
    [4, 'row'],
  ]);
  expect(outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.value?.toString() : null))).toEqual([
    null,
    '5',
    big,
    null,
    null,
  ]);
});

describe('unknown members', () => {
  const value = '{"id":"a","ts":1,"time":2,"values":{"speed":1,"unit":"km/h"},"big":1716760513715797500,"__proto__":{"x":1}}';
  test('are kept in extra where the table has it, digit by digit', () => {
    const outcome = run(value, pipelineOf(RULES, true));
    expect(outcome.unknownFields).toBe(0);
    expect(outcome.outcomes[0]).toMatchObject({
      row: { extra: '{"values":{"unit":"km/h"},"big":1716760513715797500,"__proto__":{"x":1}}' },
    });
    expect(first({ id: 'a', ts: 1 }, pipelineOf(RULES, true))).not.toHaveProperty('row.extra');
  });
  test('are counted where it has not', () => {
    expect(run(value).unknownFields).toBe(3);
  });
});

describe('the MQTT topic of a record', () => {
  const pipeline = pipelineOf(
    {
      key: 'device',
      time: { field: 'ts', format: 'epoch_ms' },
      fields: { device: { type: 'text', required: true, from: '$topic.2' }, topic: { type: 'text', from: '$topic' } },
    },
    true,
  );
  const under = (topic: string | null, value: unknown): Outcome => {
    const headers: Record<string, Buffer> = topic === null ? {} : { 'mqtt-topic': Buffer.from(topic) };
    return compileTransform(pipeline)({ ...raw(value), headers }).outcomes[0] as Outcome;
  };

  test('is where fields say so, and nowhere else', () => {
    expect(under('tele/f2-01/é', { ts: 1, x: 2 })).toMatchObject({
      row: { device: 'f2-01', topic: 'tele/f2-01/é', extra: '{"x":2}' },
    });
  });

  test('is the broker’s: a payload that names another one is not believed', () => {
    const forged = { ts: 1, '$topic.2': 'other', $topic: { 2: 'other' } };
    expect(under('tele/f2-01', forged)).toMatchObject({ row: { device: 'f2-01', topic: 'tele/f2-01' } });
    for (const topic of ['tele', null])
      expect(under(topic, forged)).toMatchObject({
        kind: 'refused',
        reason: 'missing',
        message: expect.stringContaining('(from $topic.2)'),
      });
  });
});

describe('the time of receipt', () => {
  const pipeline = pipelineOf(
    {
      key: 'device',
      decode: 'text',
      time: { field: '$received', format: 'epoch_ms' },
      fields: { device: { type: 'text', required: true, from: '$topic.2' }, value: { type: 'float' } },
    },
    true,
  );
  const of = (text: string, headers: Record<string, string>): Outcome => {
    const bytes = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]));
    return compileTransform(pipeline)({ ...raw({}), value: Buffer.from(text), headers: bytes }).outcomes[0] as Outcome;
  };

  test('is the time of a device that tells none, however often its row is made', () => {
    const headers = { 'mqtt-topic': 'home/kitchen/temp', 'received-at': '1716760513715' };
    const row = { time: '2024-05-26T21:55:13.715Z', device: 'kitchen', value: 21.5 };
    for (let again = 0; again < 2; again++) expect(of('21.5', headers)).toMatchObject({ kind: 'row', row });
  });

  test('is never made up', () => {
    expect(of('21.5', { 'mqtt-topic': 'home/kitchen' })).toMatchObject({ kind: 'refused', reason: 'missing' });
    expect(of('21.5', { 'mqtt-topic': 'home/kitchen', 'received-at': 'soon' })).toMatchObject({
      kind: 'refused',
      reason: 'time',
    });
  });

  test('is the source’s: a payload that has one is not believed', () => {
    const json = pipelineOf({ ...pipeline.spec.record, decode: 'json' }, true);
    const headers = { 'mqtt-topic': Buffer.from('home/kitchen'), 'received-at': Buffer.from('1716760513715') };
    const [outcome] = compileTransform(json)({ ...raw({ $received: 1, value: 2 }), headers }).outcomes;
    expect(outcome).toMatchObject({ kind: 'row', row: { time: '2024-05-26T21:55:13.715Z', value: 2 } });
  });
});

test('a mistake of our own refuses the record and says so', () => {
  const record = { ...raw(GOOD) };
  Object.defineProperty(record, 'value', {
    get() {
      throw new TypeError('broken');
    },
  });
  expect(compileTransform(pipelineOf())(record).outcomes).toMatchObject([
    {
      kind: 'refused',
      stage: 'decode',
      reason: 'internal',
      message: /mistake in Millrace.*broken/,
      cause: expect.any(TypeError),
    },
  ]);
});

test('a rule that cannot work is named by its place', () => {
  const bad = (record: Partial<RecordRules>) => () => compileTransform(pipelineOf({ ...RULES, ...record }));
  expect(bad({ time: { field: 'ts', format: 'YYYY' } })).toThrow(/^spec.record.time: format "YYYY"/);
  expect(bad({ fields: { ...RULES.fields, n: { type: 'int', default: 'x' } } })).toThrow(/^spec.record.fields.n: field n is "x"/);
  expect(bad({ decode: 'frame' })).toThrow(/^spec.record.decode is frame, which needs the device registry/);
});

test('any bytes: every object has exactly one end, and nothing is thrown', () => {
  const piece = fc.oneof(
    fc.jsonValue(),
    fc.record(
      { id: fc.jsonValue(), ts: fc.jsonValue(), status: fc.jsonValue(), values: fc.jsonValue(), at: fc.string() },
      { requiredKeys: [] },
    ),
    fc.record({ id: fc.string(), ts: fc.integer(), status: fc.constantFrom('OK', 'REMOVED', 'abc') }),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    piece.map((value) => Buffer.from(JSON.stringify(value))),
    fc.array(piece, { maxLength: 10 }).map((value) => Buffer.from(JSON.stringify(value))),
    fc.tuple(fc.string({ unit: 'binary' }), piece).map(([text, value]) => Buffer.from(text + JSON.stringify(value))),
  );
  const transforms = [compileTransform(pipelineOf()), compileTransform(pipelineOf(RULES, true))];
  fc.assert(
    fc.property(bytes, fc.constantFrom(...transforms), (value, transform) => {
      const { outcomes } = transform(raw(value));
      expect(outcomes.length).toBeGreaterThan(0);
      expect(outcomes.map(({ index }) => index)).toEqual(outcomes.map((_, at) => at));
      for (const outcome of outcomes) if (outcome.kind === 'refused') expect(outcome.reason).not.toBe('internal');
      const parsed = parse(value);
      if (Array.isArray(parsed) && parsed.length > 0) expect(outcomes).toHaveLength(parsed.length);
    }),
    { numRuns: 1000 },
  );
});

function parse(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    return null;
  }
}
