import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketStartMs, rollupColumns } from './rollup.ts';

const HOUR = 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();

describe('the bucket of a time', () => {
  test.each([
    ['2026-03-01T12:34:56.789Z', HOUR, '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T12:00:00.000Z', HOUR, '2026-03-01T12:00:00.000Z'],
    ['2026-03-04T12:00:00.000Z', 7 * 24 * HOUR, '2026-03-02T00:00:00.000Z'], // weeks start on Mondays
    ['2000-01-02T23:59:59.999Z', 24 * HOUR, '2000-01-02T00:00:00.000Z'], // before the origin
    ['1969-12-31T23:59:59.999Z', HOUR, '1969-12-31T23:00:00.000Z'],
  ])('%s by %d ms starts at %s', (time, everyMs, start) => {
    expect(iso(bucketStartMs(Date.parse(time), everyMs))).toBe(start);
  });

  test('a time lies in its bucket, and buckets leave no gap', () => {
    const anyMs = fc.integer({ min: -60_000_000_000_000, max: 250_000_000_000_000 });
    const anyEvery = fc.integer({ min: 1, max: 1_000_000 }).map((seconds) => seconds * 1_000);
    fc.assert(
      fc.property(anyMs, anyEvery, (timeMs, everyMs) => {
        const start = bucketStartMs(timeMs, everyMs);
        expect(start).toBeLessThanOrEqual(timeMs);
        expect(timeMs).toBeLessThan(start + everyMs);
        expect(bucketStartMs(start + everyMs, everyMs)).toBe(start + everyMs);
      }),
    );
  });
});

describe('the columns of a roll-up', () => {
  const types = new Map([
    ['device', 'text'],
    ['speed', 'float'],
    ['n', 'int'],
  ] as const);

  test('bucket, then by, then five of each', () => {
    expect(rollupColumns(['device'], ['speed', 'n'], types).map(({ name, type }) => `${name} ${type}`)).toEqual([
      'bucket timestamptz',
      'device text',
      'speed_avg double precision',
      'speed_min double precision',
      'speed_max double precision',
      'speed_count bigint',
      'speed_stddev double precision',
      'n_avg double precision',
      'n_min bigint',
      'n_max bigint',
      'n_count bigint',
      'n_stddev double precision',
    ]);
  });

  test('a column that the table does not have is named', () => {
    expect(() => rollupColumns(['device'], ['sped'], types)).toThrow('names the column "sped"; the table has device, speed, n');
  });
});
