import { expect, test } from 'vitest';
import { rateMeter } from './rate.ts';

test('a rate follows the last seconds, not the whole run', () => {
  const rate = rateMeter();
  expect(rate(100, 0)).toBe(0);
  expect(rate(1_100, 1_000)).toBe(1_000);
  for (let second = 2; second <= 6; second++) rate(1_100, second * 1_000);
  expect(rate(1_100, 7_000)).toBe(0);
  expect(rate(1_200, 8_000)).toBeCloseTo(20);
});

test('a counter that went back gives no negative rate', () => {
  const rate = rateMeter();
  rate(100, 0);
  expect(rate(50, 1_000)).toBe(0);
});
