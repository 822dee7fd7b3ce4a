import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { decodeRow, type Row } from '@millrace/core/record/row.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { registryOf } from '@millrace/registry/registry.ts';
import { CONTENT } from '@millrace/registry/testing/content.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partFinder } from '../part.ts';
import { compileTransform, type Outcome } from '../transform.ts';
import { frame } from './frame.ts';

const pipeline: Pipeline = {
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'Pipeline',
  metadata: { name: 'controllers' },
  spec: {
    source: { mqtt: { url: 'mqtt://localhost', topics: ['tele/#', 'stat/#'] } },
    record: {
      decode: 'frame',
      key: 'device',
      time: { field: 'message.ts', format: ['iso', 'epoch_s', 'epoch_ms'] },
      fields: {
        device: { type: 'text', required: true },
        connector: { type: 'text', required: true },
        component: { type: 'text', required: true },
        datapoint: { type: 'text', required: true },
        kind: { type: 'text' },
        value: { type: 'float', max: 100_000 },
        state: { type: 'text', from: 'text' },
        unit: { type: 'text' },
        granted: { type: 'bool', from: 'message.granted' },
      },
    },
    table: { name: 'controllers', extra: true },
  },
};
const registry = registryOf(CONTENT);
const transform = compileTransform(pipeline, () => registry);
const DEVICE = 'f2-02f200000001';
const CLIMATE = `tele/${DEVICE}/modbus/J1/climate`;
const TS = '2024-06-03T06:00:00.000Z';
const FRAME = '01 03 0C 00 E1 01 C8 00 01 8B CD 02 9E 5F C4 DD D1';

const record = (topic: string | null, value: unknown): KafkaRecord => ({
  offset: 7,
  timestampMs: 1,
  key: null,
  value: Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
  headers: topic === null ? {} : { 'mqtt-topic': Buffer.from(topic) },
});
const run = (topic: string | null, value: unknown, by = transform): Outcome[] => by(record(topic, value)).outcomes;
/** As the sink reads them. */
const rows = (topic: string, value: unknown): Row[] =>
  run(topic, value).flatMap((outcome) => (outcome.kind === 'row' ? [decodeRow(outcome.value, columnsOf(pipeline))] : []));

test('every datapoint of a frame is a row, with its value, unit and the controller’s own time', () => {
  const found = rows(CLIMATE, { ts: TS, frame: FRAME });
  expect(found.map(({ datapoint, value, unit }) => [datapoint, value, unit])).toEqual([
    ['temperature', 22.5, '°C'],
    ['humidity', 45.6, '%'],
    ['pressure', 1013.25, 'hPa'],
    ['co2', 670, 'ppm'],
    ['battery', 95, '%'],
    ['signal', -60, 'dBm'],
  ]);
  for (const row of found)
    expect(row).toMatchObject({ time: TS, device: DEVICE, connector: 'J1', component: 'climate', kind: 'tele', state: null });
});

test.each([
  ['milliseconds', 1717394400500, '2024-06-03T06:00:00.500Z'],
  ['seconds', 1717394400, '2024-06-03T06:00:00Z'],
  ['an offset', '2024-06-03T08:00:00.250+02:00', '2024-06-03T06:00:00.250Z'],
])('a time in %s', (_name, ts, time) => {
  expect(rows(CLIMATE, { ts, frame: FRAME }).map((row) => row.time)).toEqual(Array(6).fill(time));
});

test.each([
  ['door', { state: 'open' }, { datapoint: 'state', value: 1, state: 'open' }],
  ['door', { state: 'closed' }, { datapoint: 'state', value: 0, state: 'closed' }],
  ['strike', { state: 'unlocked', id: '4711' }, { value: 1, extra: '{"message":{"id":"4711"},"mode":"io","template":"strike"}' }],
  ['siren', { state: 'off' }, { value: 0, state: 'off', unit: null }],
  ['motion', { motion: true }, { datapoint: 'motion', value: 1, state: 'true' }],
  ['reader', { card: '00A1B2C3', granted: true }, { datapoint: 'card', value: null, state: '00A1B2C3', granted: true }],
])('a message of a %s %j is one row', (component, message, expected) => {
  const found = rows(`stat/${DEVICE}/io/J2/${component}`, { ts: TS, ...message });
  expect(found).toHaveLength(1);
  const [{ extra, ...row } = {}] = found;
  const { extra: more, ...columns } = expected as Record<string, unknown>;
  expect(row).toMatchObject({ component, connector: 'J2', kind: 'stat', ...columns });
  if (more) expect(JSON.parse(String(extra))).toEqual(JSON.parse(String(more)));
});

describe('what is refused, as a whole and with its reason', () => {
  const good = { ts: TS, frame: FRAME };
  test.each<[string, string | null, unknown, RegExp]>([
    ['crc', CLIMATE, { ...good, frame: FRAME.replace('DD D1', 'D1 DD') }, /ends with the CRC D1 DD; allowed is DD D1/],
    ['crc', CLIMATE, { ...good, frame: FRAME.replace('00 E1', '00 E0') }, /allowed is/],
    ['short', CLIMATE, { ...good, frame: FRAME.slice(0, -6) }, /has 15 bytes; the template climate needs 17/],
    ['short', CLIMATE, { ...good, frame: '' }, /has 0 bytes/],
    ['hex', CLIMATE, { ...good, frame: `${FRAME} 0` }, /35 hex digits, which is odd/],
    ['hex', CLIMATE, { ...good, frame: FRAME.replace('0C', '0G') }, /holds "G"/],
    ['type', CLIMATE, { ...good, frame: 17 }, /frame is 17/],
    ['missing', CLIMATE, { ts: TS }, /frame is missing/],
    ['device', CLIMATE.replace('01/', '09/'), good, /device f2-02f200000009 is unknown/],
    ['component', CLIMATE.replace('climate', 'boiler'), good, /no component "boiler" at J1; allowed there: climate/],
    ['component', CLIMATE.replace('J1', 'J9'), good, /at J9; allowed there: none/],
    ['mode', CLIMATE.replace('modbus', 'io'), good, /came as "io"; allowed is modbus/],
    ['topic', `cmnd/${DEVICE}/io/J2/strike`, { ts: TS, state: 'unlock' }, /a command and no reading/],
    ['topic', 'home/kitchen', good, /the topic is "home\/kitchen"; allowed is/],
    ['topic', null, good, /no MQTT topic/],
    ['type', CLIMATE, [good, good], /an array/],
    ['parse', CLIMATE, Buffer.from('01 03 0C'), /JSON|number/],
    ['parse', CLIMATE, Buffer.from([0xff, 0xfe]), /UTF-8/],
    [
      'enum',
      `tele/${DEVICE}/io/J2/door`,
      { ts: TS, state: 'ajar' },
      /state of a message of a door is "ajar"; allowed is "open" or "closed"/,
    ],
    ['missing', `tele/${DEVICE}/io/J2/motion`, { ts: TS, state: 'open' }, /motion .* is missing/],
    ['type', `tele/${DEVICE}/io/J2/reader`, { ts: TS, card: 5 }, /card .* is 5; allowed is a text/],
    ['datapoint', CLIMATE, { ...good, 'millrace.datapoint': 'noise' }, /no datapoint "noise"/],
  ])('%s: %s %j', (reason, topic, value, message) => {
    expect(run(topic, value)).toMatchObject(
      [{ kind: 'refused', index: 0, stage: 'decode', reason, message, value: null }].map((one) => ({
        ...one,
        message: expect.stringMatching(message),
      })),
    );
  });

  test('a time that is missing refuses each datapoint: none is invented', () => {
    expect(run(CLIMATE, { frame: FRAME }).map((one) => one.kind === 'refused' && [one.stage, one.reason])).toEqual(
      Array(6).fill(['validate', 'missing']),
    );
  });
});

test('a device of the topic is believed, whatever the payload says', () => {
  const [row] = rows(CLIMATE, { ts: TS, frame: FRAME, device: 'f2-ffffffffffff', value: 7 });
  expect(row).toMatchObject({ device: DEVICE, value: 22.5 });
});

describe('a datapoint that is refused alone', () => {
  // Pressure 00 0F 42 41 is 1000001 with two decimals; with none it is beyond the field's maximum.
  const raised = registryOf({
    ...CONTENT,
    datapoints: CONTENT.datapoints.map((one) => (one.name === 'pressure' ? { ...one, decimals: 0 } : one)),
  });
  const strict = compileTransform(pipeline, () => raised);

  test('leaves its neighbours, and redriven it is that datapoint alone', () => {
    const outcomes = run(CLIMATE, { ts: TS, frame: FRAME }, strict);
    expect(outcomes.map(({ kind, index }) => [kind, index])).toEqual(
      [0, 1, 2, 3, 4, 5].map((at) => [at === 2 ? 'refused' : 'row', at]),
    );
    const refused = outcomes[2];
    if (refused?.kind !== 'refused' || refused.value === null) throw new Error('not refused alone');
    const part = refused.value.toString();
    expect(partFinder(pipeline, () => raised)(record(CLIMATE, { ts: TS, frame: FRAME }), 2)).toEqual(refused.value);
    const again = run(CLIMATE, Buffer.from(`[${part}]`));
    expect(again).toHaveLength(1);
    expect(again[0]).toMatchObject({ kind: 'row', index: 0, row: { datapoint: 'pressure', value: 1013.25 } });
  });

  test('a Float32 that is no number is no value, an infinite one is refused', () => {
    const floats = registryOf({
      ...CONTENT,
      templates: CONTENT.templates.map((one) => ({ ...one, crc: 'none', skip: 0 })),
      datapoints: CONTENT.datapoints.slice(0, 2).map((one, at) => ({ ...one, encoding: 'Float32', offset: 4 * at, decimals: 0 })),
    });
    const outcomes = run(
      CLIMATE,
      { ts: TS, frame: '7F C0 00 00 FF 80 00 00' },
      compileTransform(pipeline, () => floats),
    );
    expect(outcomes).toMatchObject([
      { kind: 'row', index: 0 },
      {
        kind: 'refused',
        index: 1,
        stage: 'decode',
        reason: 'range',
        message: 'humidity is an infinite Float32; allowed is a number',
      },
    ]);
    expect(outcomes[0]?.kind === 'row' && outcomes[0].row.value).toBeFalsy();
  });
});

test('the registry of the moment counts', () => {
  let now = registryOf({ ...CONTENT, devices: [], connectors: [], pins: [] });
  const live = compileTransform(pipeline, () => now);
  expect(run(CLIMATE, { ts: TS, frame: FRAME }, live)).toMatchObject([{ kind: 'refused', reason: 'device' }]);
  now = registry;
  expect(run(CLIMATE, { ts: TS, frame: FRAME }, live)).toHaveLength(6);
});

test('without a registry nothing is compiled: nothing can be refused for want of it', () => {
  expect(() => compileTransform(pipeline)).toThrow(/needs the device registry/);
});

test('whatever comes under whatever topic: each record ends in rows or refusals, all of them, and nothing is thrown', () => {
  const levels = fc.constantFrom(
    'tele',
    'stat',
    'cmnd',
    DEVICE,
    'modbus',
    'io',
    'J1',
    'J2',
    'climate',
    'door',
    'reader',
    '',
    '#',
    'é',
  );
  const topics = fc.oneof(
    fc.constantFrom(CLIMATE, `stat/${DEVICE}/io/J2/door`, `tele/${DEVICE}/io/J2/reader`),
    fc.array(levels, { maxLength: 7 }).map((parts) => parts.join('/')),
    fc.string(),
  );
  const hexes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    fc.constantFrom(FRAME, `${FRAME} 0`),
    fc.string(),
  );
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('open', true, 1e300, '__proto__'));
  const messages = fc.record(
    {
      ts: fc.oneof(fc.constantFrom<unknown>(TS, 1717394400, 1717394400500), odd),
      frame: fc.oneof(hexes, odd),
      state: odd,
      card: odd,
      value: odd,
      'millrace.datapoint': fc.oneof(fc.constantFrom('pressure', 'x'), odd),
    },
    { requiredKeys: [] },
  );
  const values = fc.oneof({ weight: 6, arbitrary: messages }, fc.array(messages, { maxLength: 3 }), odd);
  const bytes = fc.oneof(
    { weight: 4, arbitrary: values.map((value) => Buffer.from(JSON.stringify(value) ?? 'null')) },
    fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
  );
  const direct = frame(() => registry);
  fc.assert(
    fc.property(topics, bytes, (topic, value) => {
      const one = record(topic, value);
      const outcomes = transform(one).outcomes;
      let expected = 1;
      try {
        expected = direct.decode(one).length;
      } catch (error) {
        expect((error as Error).name).toBe('DecodeError');
      }
      expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: expected }, (_, index) => index));
      expect([1, 6]).toContain(expected);
      for (const outcome of outcomes) {
        expect(outcome.kind === 'refused' && outcome.reason === 'internal' ? outcome.message : '').toBe('');
        if (outcome.kind === 'row') expect(decodeRow(outcome.value, columnsOf(pipeline)).device).toBe(DEVICE);
      }
    }),
    { numRuns: 500 },
  );
});
