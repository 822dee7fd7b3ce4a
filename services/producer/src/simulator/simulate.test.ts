import { parseJson } from '@millrace/core/record/json.ts';
import { readPath } from '@millrace/core/record/path.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { pipeline as schema } from '@millrace/core/spec/pipeline.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { simulate } from './simulate.ts';

function pipelineOf(simulator: object, record: object = {}): Pipeline {
  return schema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'simulated' },
    spec: {
      source: { simulator: { seed: 7, devices: 3, start: '2026-01-01T00:00:00Z', ...simulator } },
      record: {
        key: 'device',
        time: { field: 'meta.at' },
        fields: {
          device: { type: 'text', required: true },
          temperature: { type: 'float', from: ['values.t', 't'], min: -20, max: 45 },
          pulses: { type: 'int', min: 0, max: 9 },
          open: { type: 'bool' },
          state: { type: 'text', enum: ['OK', 'LOW'] },
          note: { type: 'text' },
          position: { type: 'point' },
          seen: { type: 'time', format: 'epoch_s' },
        },
        ...record,
      },
      table: { name: 'simulated' },
    },
  });
}

const objectOf = (value: Buffer): Record<string, unknown> => parseJson(value) as Record<string, unknown>;

test('the same seed gives the same records for ever', () => {
  // If this fails, every test and demo that names a seed changes: keep the records, not the test.
  expect(simulate(pipelineOf({ rate: 10 }), 4).value.toString()).toMatchInlineSnapshot(
    `"{"meta":{"at":"2026-01-01T00:00:00.400Z"},"device":"device-00002","values":{"t":-4.063},"pulses":3,"open":false,"state":"OK","note":"note-14","position":"POINT (-97.818534 30.399595)","seen":1767225600.4}"`,
  );
});

test('a record depends on nothing but seed, number and spec', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(100_000), (n, before) => {
      const one = pipelineOf({ rate: 10 });
      simulate(one, before);
      expect(simulate(one, n)).toEqual(simulate(pipelineOf({ rate: 10 }), n));
    }),
  );
});

test('every value is within its declared range, and its text is read back as the same number', () => {
  const pipeline = pipelineOf({ rate: 10 });
  fc.assert(
    fc.property(fc.nat(10_000_000), (n) => {
      const { value, key, fault } = simulate(pipeline, n);
      const record = objectOf(value);
      expect(fault).toBeNull();
      expect(key.toString()).toBe(record.device);
      expect(record.device).toBe(`device-0000${(n % 3) + 1}`);
      const temperature = readPath(record, 'values.t') as number;
      expect(temperature).toBeGreaterThanOrEqual(-20);
      expect(temperature).toBeLessThanOrEqual(45);
      expect(Number.isInteger(record.pulses) && (record.pulses as number) >= 0 && (record.pulses as number) <= 9).toBe(true);
      expect(typeof record.open).toBe('boolean');
      expect(['OK', 'LOW']).toContain(record.state);
      expect(record.position).toMatch(/^POINT \(-97\.\d+ 30\.\d+\)$/);
      expect(typeof record.seen).toBe('number');
      expect(JSON.stringify(JSON.parse(value.toString()))).toBe(value.toString());
    }),
  );
});

test('floats wander instead of jumping', () => {
  const pipeline = pipelineOf({ rate: 10 });
  const at = (tick: number) => readPath(objectOf(simulate(pipeline, tick * 3).value), 'values.t') as number;
  const steps = Array.from({ length: 2_000 }, (_, tick) => Math.abs(at(tick + 1) - at(tick)));
  expect(Math.max(...steps)).toBeLessThan(65 * 0.07);
  const values = Array.from({ length: 2_000 }, (_, tick) => at(tick));
  expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(65 * 0.5);
});

describe('times', () => {
  const timeOf = (pipeline: Pipeline, n: number, base?: number) =>
    Date.parse(readPath(objectOf(simulate(pipeline, n, base).value), 'meta.at') as string);
  const start = Date.parse('2026-01-01T00:00:00Z');

  test.each([
    ['by rate', { rate: 10 }, [0, 100, 200, 300]],
    ['by step', { rate: 10, step: '60s' }, [0, 20_000, 40_000, 60_000]],
    ['without either: one second per device', {}, [0, 333, 666, 1_000]],
  ])('%s', (_name, simulator, expected) => {
    expect([0, 1, 2, 3].map((n) => timeOf(pipelineOf(simulator), n) - start)).toEqual(expected);
  });

  test('without start from when the run began, which must be known', () => {
    const pipeline = pipelineOf({ start: undefined, rate: 10 });
    expect(timeOf(pipeline, 1, 1_000)).toBe(1_100);
    expect(() => simulate(pipeline, 1)).toThrow('no start');
  });
});

describe('faults', () => {
  const good = pipelineOf({ rate: 10 });
  const bad = pipelineOf({ rate: 10, faults: { every: 10 } });
  const faults = Array.from({ length: 1_200 }, (_, n) => ({ n, ...simulate(bad, n) })).filter(({ fault }) => fault);

  test('exactly every n-th record is bad, the kinds in turn; the others are as without faults', () => {
    expect(faults.map(({ n }) => n)).toEqual(Array.from({ length: 120 }, (_, at) => at * 10 + 9));
    expect(faults.slice(0, 7).map(({ fault }) => fault)).toEqual([
      'missing',
      'outOfRange',
      'wrongType',
      'badTime',
      'notJson',
      'nulByte',
      'missing',
    ]);
    for (const n of [0, 8, 10, 501]) expect(simulate(bad, n)).toEqual(simulate(good, n));
  });

  test.each([
    ['missing', (record: Record<string, unknown>) => record.device === undefined || readPath(record, 'meta.at') === undefined],
    [
      'outOfRange',
      (record: Record<string, unknown>) => (record.pulses as number) > 9 || (readPath(record, 'values.t') as number) > 45,
    ],
    ['wrongType', (record: Record<string, unknown>) => JSON.stringify(record).includes('"wrong-')],
    ['badTime', (record: Record<string, unknown>) => /^no time/.test(readPath(record, 'meta.at') as string)],
    ['nulByte', (record: Record<string, unknown>) => (record.note as string).includes('\u0000')],
  ])('%s', (kind, isSo) => {
    const records = faults.filter(({ fault }) => fault === kind);
    expect(records.length).toBeGreaterThan(10);
    for (const { value } of records) expect(isSo(objectOf(value))).toBe(true);
  });

  test('notJson', () => {
    for (const { value } of faults.filter(({ fault }) => fault === 'notJson')) expect(() => parseJson(value)).toThrow('not JSON');
  });

  test('kinds that fit no field are left out, and none at all is an error', () => {
    const fields = { device: { type: 'text' } };
    const some = pipelineOf({ faults: { every: 1, kinds: ['outOfRange', 'nulByte', 'badTime'] } }, { fields });
    expect([0, 1, 2].map((n) => simulate(some, n).fault)).toEqual(['badTime', 'badTime', 'badTime']);
    const none = pipelineOf({ faults: { every: 1, kinds: ['outOfRange'] } }, { fields });
    expect(() => simulate(none, 0)).toThrow('none of outOfRange fits');
  });
});

test('two fields that cannot stand in one object are an error', () => {
  const fields = { device: { type: 'text' }, inner: { type: 'int', from: 'device.inner' } };
  expect(() => simulate(pipelineOf({}, { fields }), 0)).toThrow('cannot hold the path "device.inner"');
});
