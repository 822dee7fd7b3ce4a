import { readFileSync } from 'node:fs';
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { stringifyJson } from '@millrace/core/record/json.ts';
import { decodeRow, type Row } from '@millrace/core/record/row.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partFinder } from '../part.ts';
import { compileTransform, type Outcome } from '../transform.ts';

/** A real push of the app, as it came: an array of one push with six readings. */
const REAL = readFileSync(new URL('../../../../examples/phone-sensors/push.json', import.meta.url), 'utf8');
const ONE = REAL.trim().replace(/^\[|\]$/g, '');

const pipeline: Pipeline = {
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'Pipeline',
  metadata: { name: 'phone' },
  spec: {
    source: { http: { auth: { open: true } } },
    record: {
      decode: 'sensor-logger',
      key: 'device',
      time: { field: 'time', format: 'epoch_ns', nanoseconds: true },
      fields: {
        device: { type: 'text', from: 'deviceId', required: true },
        session: { type: 'text', from: 'sessionId' },
        sensor: { type: 'text', from: 'name', required: true },
        accuracy: { type: 'int' },
        ...Object.fromEntries(
          ['x', 'y', 'z', 'yaw', 'qw'].map((name) => [name, { type: 'float' as const, from: `values.${name}` }]),
        ),
      },
    },
    table: { name: 'phone', extra: true },
  },
};
const transform = compileTransform(pipeline);
const raw = (value: Buffer | string): KafkaRecord => ({
  offset: 7,
  timestampMs: 1,
  key: null,
  value: Buffer.from(value),
  headers: {},
});
const run = (value: Buffer | string): Outcome[] => transform(raw(value)).outcomes;
/** As the sink reads them. */
const rows = (value: Buffer | string): Row[] =>
  run(value).flatMap((outcome) => (outcome.kind === 'row' ? [decodeRow(outcome.value, columnsOf(pipeline))] : []));

describe('the real push', () => {
  test.each([
    ['an array', REAL],
    ['an object', ONE],
    ['sensors[]', ONE.replace('"payload"', '"sensors"')],
  ])('as %s gives six rows, each time to the last digit', (_name, text) => {
    const found = rows(text);
    expect(found.map(({ sensor, time, time_ns }) => [sensor, time, time_ns])).toEqual([
      ['gravity', '2024-05-26T21:55:13.715797500Z', 1716760513715797500n],
      ['magnetometer', '2024-05-26T21:55:13.715797500Z', 1716760513715797500n],
      ['orientation', '2024-05-26T21:55:13.715797500Z', 1716760513715797500n],
      ['gyroscope', '2024-05-26T21:55:13.715797500Z', 1716760513715797500n],
      ['accelerometer', '2024-05-26T21:55:13.715797500Z', 1716760513715797500n],
      ['gravity', '2024-05-26T21:55:16.584638000Z', 1716760516584638000n],
    ]);
    expect(found[1]).toMatchObject({
      device: '8b5937fb-2160-4825-ba40-4bc646f93839',
      session: '0ba5f3e8-a340-4c40-b9ea-95d7ed4d1132',
      accuracy: 2,
      x: -7.371177673339844,
      yaw: null,
      extra: '{"messageId":17}',
    });
    expect(found[2]).toMatchObject({ yaw: -1.5558980011442651, qw: 0.6783279563985285, x: null });
    expect(JSON.parse(String(found[2]?.extra))).toMatchObject({ values: { roll: -0.04824376931778037 } });
  });

  test.each([
    ['a value that is no number', '-5.317313797414302', '"loud"', /field y \(from values.y\) is "loud"; allowed is a number/],
    ['a time that is none', '1716760513715797500', 'null', /field time is missing/],
    ['a time of another age', '1716760513715797500', '99999999999000000000', /years 1678 to 2261/],
  ])('%s loses only that reading', (_name, good, bad, message) => {
    const outcomes = run(REAL.replace(good, bad));
    expect(outcomes.map(({ kind, index }) => [kind, index])).toEqual([
      ['refused', 0],
      ...[1, 2, 3, 4, 5].map((index) => ['row', index]),
    ]);
    expect(outcomes[0]).toMatchObject({ stage: 'validate', message: expect.stringMatching(message) });
  });

  test('a refused reading is kept with its push, so that it is the same reading when it is sent again', () => {
    const [refused] = run(REAL.replace('-5.317313797414302', '"loud"'));
    if (refused?.kind !== 'refused' || refused.value === null) throw new Error('not refused');
    expect(refused.value.toString()).toContain('1716760513715797500');
    const again = run(`[${refused.value.toString().replace('"loud"', '-5.317313797414302')}]`);
    expect(again).toHaveLength(1);
    expect(again[0]).toEqual(run(REAL)[0]);
    expect(partFinder(pipeline)(raw(REAL.replace('-5.317313797414302', '"loud"')), 0)).toEqual(refused.value);
  });
});

const push = (readings: unknown[], more: object = {}) => ({ deviceId: 'd', sessionId: 's', payload: readings, ...more });
const reading = (more: object = {}) => ({ name: 'gravity', time: 1716760513715, values: { x: 1 }, ...more });

describe('what is refused, and what is not', () => {
  test.each<[string, unknown, string[], RegExp]>([
    ['a reading that is none', push([5, reading()]), ['refused', 'row'], /reading 0 of payload is a number \(5\)/],
    ['no readings at all', push([]), ['refused'], /payload of the record is empty/],
    ['no list', { deviceId: 'd' }, ['refused'], /neither payload nor sensors/],
    ['a list that is none', { deviceId: 'd', payload: {} }, ['refused'], /payload is an object/],
    ['a bad push beside a good one', [push([]), push([reading()])], ['refused', 'row'], /element 0 of the array is empty/],
    ['a push that is none', [null, push([reading()])], ['refused', 'row'], /element 0 of the array is null/],
    ['no push', [], ['refused'], /empty array/],
    ["another phone's reading", push([reading({ deviceId: 'e' }), reading({ deviceId: 'd' })]), ['refused', 'row'], /"e".*"d"/],
    ['too many', push(Array(10_001).fill(0)), ['refused'], /10001 readings/],
    [
      'much beside many readings',
      push(Array(1_000).fill(reading()), { note: 'x'.repeat(10_000) }),
      ['refused'],
      /beside the 1000 readings/,
    ],
    ['no device', { payload: [reading()] }, ['refused'], /field device \(from deviceId\) is missing/],
  ])('%s', (_name, value, kinds, message) => {
    const outcomes = run(JSON.stringify(value));
    expect(outcomes.map(({ kind }) => kind)).toEqual(kinds);
    const refused = outcomes.find(({ kind }) => kind === 'refused');
    expect(refused).toMatchObject({ message: expect.stringMatching(message) });
  });

  test('an unknown sensor, values of any type, and no values are kept', () => {
    const unknown = [
      reading({ name: 'wrist', values: { mood: 'good', on: true, list: [1, null] } }),
      reading({ name: 'plain', values: 72 }),
      reading({ name: 'none', values: undefined, time: '1716760513715797500' }),
    ];
    const found = rows(JSON.stringify(push(unknown)));
    expect(found.map(({ sensor, extra }) => [sensor, extra])).toEqual([
      ['wrist', '{"values":{"mood":"good","on":true,"list":[1,null]}}'],
      ['plain', '{"values":72}'],
      ['none', null],
    ]);
    expect(found[2]?.time_ns).toBe(1716760513715797500n);
  });
});

test('whatever comes, every reading of it is a row or a refusal, in order, and nothing is thrown', () => {
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.bigInt(), fc.constantFrom('', '__proto__', 1e300));
  const anyReading = fc.oneof(
    odd,
    fc.record(
      {
        name: fc.oneof(fc.string(), odd),
        time: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), odd),
        values: fc.oneof(fc.dictionary(fc.constantFrom('x', 'y', '__proto__', 'toString', 'new'), odd), odd),
        accuracy: odd,
        deviceId: fc.constantFrom('d', 'e'),
      },
      { requiredKeys: [] },
    ),
  );
  const lists = fc.array(anyReading, { maxLength: 8 });
  const anyPush = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ deviceId: fc.constant('d'), payload: lists, sensors: lists, note: odd }, { requiredKeys: [] }),
    },
    odd,
  );
  /** How many outcomes a push must have. */
  const count = (one: unknown): number => {
    const all = [(one as Record<string, unknown> | null)?.payload, (one as Record<string, unknown> | null)?.sensors];
    const given = all.filter((list) => list !== undefined);
    const isPush = typeof one === 'object' && one !== null && !Array.isArray(one) && given.every(Array.isArray);
    return isPush ? Math.max(1, given.flat().length) : 1;
  };
  const pushes = (value: unknown): object[] =>
    [value].flat().filter((one): one is object => typeof one === 'object' && one !== null);
  fc.assert(
    fc.property(fc.oneof(anyPush, fc.array(anyPush, { maxLength: 4 })), (value) => {
      const outcomes = run(stringifyJson(value));
      const expected = Array.isArray(value)
        ? Math.max(
            1,
            value.reduce((sum: number, one) => sum + count(one), 0),
          )
        : count(value);
      expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: expected }, (_, index) => index));
      for (const outcome of outcomes) {
        expect(outcome.kind === 'refused' && outcome.reason === 'internal' ? outcome.message : '').toBe('');
        if (outcome.kind !== 'row') continue;
        const row = decodeRow(outcome.value, columnsOf(pipeline));
        // Of another phone than its push's is only a reading of a push that names none.
        if (row.device !== 'd') expect(pushes(value).some((one) => !Object.hasOwn(one, 'deviceId'))).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const [outcome, ...more] = run(Buffer.from(bytes));
      expect(outcome?.kind).toBe('refused');
      expect(more).toEqual([]);
    }),
  );
});
