/** For tests: what the windows of readings must hold, computed from the readings themselves. */
import { bucketStartMs } from '@millrace/core/table/rollup.ts';

interface Reading {
  device: string;
  session: string;
  sensor: string;
  timeNs: bigint;
  values: Record<string, number>;
}

interface Statistics {
  sum: number;
  count: number;
  min: number;
  max: number;
}

/** By `<bucket>|<device>|<session>|<sensor>` and value; a reading that is there twice counts once. */
export function windowsOf(readings: Iterable<Reading>, everyMs: number): Map<string, Map<string, Statistics>> {
  const windows = new Map<string, Map<string, Statistics>>();
  const seen = new Set<string>();
  for (const { device, session, sensor, timeNs, values } of readings) {
    const own = [device, session, sensor].join('|');
    if (seen.has(`${own}|${timeNs}`)) continue;
    seen.add(`${own}|${timeNs}`);
    const key = `${new Date(bucketStartMs(Number(timeNs / 1_000_000n), everyMs)).toISOString()}|${own}`;
    const window = windows.get(key) ?? new Map<string, Statistics>();
    windows.set(key, window);
    for (const [name, value] of Object.entries(values)) {
      const { sum, count, min, max } = window.get(name) ?? { sum: 0, count: 0, min: value, max: value };
      window.set(name, { sum: sum + value, count: count + 1, min: Math.min(min, value), max: Math.max(max, value) });
    }
  }
  return windows;
}

/**
 * What differs between rows of a roll-up by device, session and sensor and what they must hold, to 1e-12 of a value's size; empty
 * where nothing does. Of values that a window has none of, statistics must be NULL and the count 0.
 */
export function differences(
  rows: readonly Record<string, unknown>[],
  expected: ReadonlyMap<string, ReadonlyMap<string, Statistics>>,
  names: readonly string[],
): string[] {
  const wrong: string[] = [];
  const found = new Set<string>();
  for (const row of rows) {
    const key = [(row.bucket as Date).toISOString(), row.device, row.session, row.sensor].join('|');
    if (found.has(key)) wrong.push(`${key} is there twice`);
    found.add(key);
    const window = expected.get(key);
    if (!window) wrong.push(`${key} is no window of the readings`);
    for (const name of names) {
      const own = window?.get(name);
      const is = ['avg', 'min', 'max', 'count'].map((suffix) => row[`${name}_${suffix}`]);
      const should = own ? [own.sum / own.count, own.min, own.max, own.count] : [null, null, null, 0];
      if (!is.every((value, at) => isNear(value, should[at] ?? null))) wrong.push(`${key} ${name}: ${is}, not ${should}`);
    }
  }
  for (const key of expected.keys()) if (!found.has(key)) wrong.push(`${key} is missing`);
  return wrong;
}

function isNear(is: unknown, should: number | null): boolean {
  if (is === null || should === null) return is === should;
  return Math.abs(Number(is) - should) <= 1e-12 * Math.max(1, Math.abs(should));
}
