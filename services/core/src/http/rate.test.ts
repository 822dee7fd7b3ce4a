import { expect, test } from 'vitest';
import { rateLimiter } from './rate.ts';

test('a client sends a second at once, then at its rate; others are not held up', () => {
  const take = rateLimiter(2);
  expect([take('a', 0), take('a', 0), take('a', 0), take('b', 0)]).toEqual([0, 0, 1, 0]);
  expect([take('a', 499), take('a', 500), take('a', 501)]).toEqual([1, 0, 1]);
});

test('a rate below one a second says how long to wait', () => {
  const take = rateLimiter(0.1);
  expect([take('a', 0), take('a', 1_000), take('a', 10_000)]).toEqual([0, 9, 0]);
});

test('so many clients that they are forgotten are let in anew', () => {
  const take = rateLimiter(1);
  for (let n = 0; n <= 10_000; n++) expect(take(String(n), 0)).toBe(0);
  expect([take('0', 0), take('9999', 0)]).toEqual([0, 1]);
});
