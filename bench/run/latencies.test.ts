import { expect, test } from 'vitest';
import { latenciesMs } from './latencies.ts';

const sample = (dueMs: number, committedMs: number) => ({ dueMs, committedMs });

test('a row waits from when it was due, also when the sender was late', () => {
  expect(latenciesMs([sample(1_000, 1_040), sample(1_001, 1_540)], 0, 0)).toEqual([40, 539]);
});

test('what lies between the clock and the first record is not latency', () => {
  expect(latenciesMs([sample(1_000, 1_040)], 30, 0)).toEqual([10]);
});

test('rows of the warm-up do not count, by when they were due and not by when they came', () => {
  expect(latenciesMs([sample(1_000, 9_000), sample(2_999, 9_000), sample(3_000, 3_050)], 0, 2_000)).toEqual([50]);
  expect(() => latenciesMs([sample(1, 2)], 0, 10)).toThrow('none of 1 rows');
});

test('a row that was there before it was sent means that the clocks are wrong', () => {
  expect(() => latenciesMs([sample(1_000, 900)], 0, 0)).toThrow('before it was sent');
  expect(() => latenciesMs([sample(1_000, Number.NaN)], 0, 0)).toThrow('before it was sent');
});
