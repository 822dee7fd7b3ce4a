import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Fault } from './fault.ts';
import { planOf } from './plan.ts';

const fault = (name: string): Fault => ({ name, kind: name, lacks: null, happen: async () => '' });
const FAULTS = ['a', 'b', 'c', 'c'].map(fault);

test('every fault is done once in each round, one of each kind before the others, and a seed gives the same order again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 4 }), (seed, rounds) => {
      const names = planOf(seed, rounds, FAULTS).map(({ fault: { name } }) => name);
      for (let round = 0; round < rounds; round += 1) {
        const some = names.slice(round * FAULTS.length, (round + 1) * FAULTS.length);
        expect(some.slice(0, 3).toSorted()).toEqual(['a', 'b', 'c']);
        expect(some[3]).toBe('c');
      }
      expect(names).toHaveLength(rounds * FAULTS.length);
      const again = planOf(seed, rounds, FAULTS);
      expect(again.map(({ fault: { name }, random }) => [name, random.int(0, 1e9)])).toEqual(
        planOf(seed, rounds, FAULTS).map(({ fault: { name }, random }) => [name, random.int(0, 1e9)]),
      );
    }),
  );
});

test('seeds give different orders', () => {
  const orders = Array.from({ length: 50 }, (_, seed) =>
    planOf(seed * 40_503_001, 1, FAULTS)
      .map(({ fault: { name } }) => name)
      .join(''),
  );
  expect(new Set(orders).size).toBeGreaterThan(3);
});
