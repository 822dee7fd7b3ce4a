import fc from 'fast-check';
import { expect, test } from 'vitest';
import { faultSchedule } from './schedule.ts';
import { FAULTS } from './table.ts';

const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 30 });
const seeds = fc.nat(2 ** 31 - 1);
const GAP_MS = [100, 1_500] as const;

test('a run can be repeated: the same seed gives the same faults at the same moments', () => {
  fc.assert(
    fc.property(seeds, names, fc.nat(60), (seed, faults, count) => {
      const options = { faults, count, gapMs: GAP_MS };
      expect(faultSchedule(seed, options)).toEqual(faultSchedule(seed, options));
    }),
  );
});

test('no kind of fault is left out by chance while others come twice', () => {
  fc.assert(
    fc.property(seeds, names, fc.nat(60), (seed, faults, count) => {
      const steps = faultSchedule(seed, { faults, count, gapMs: GAP_MS });
      expect(steps.length).toBe(count);
      const times = faults.map((name) => steps.filter(({ fault }) => fault === name).length);
      expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
      for (const { afterMs } of steps) expect(afterMs >= GAP_MS[0] && afterMs <= GAP_MS[1]).toBe(true);
    }),
  );
});

test('each kind of fault has a name of its own', () => {
  expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
});
