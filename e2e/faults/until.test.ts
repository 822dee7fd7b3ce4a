import { expect, test } from 'vitest';
import { until } from './until.ts';

test('what fails for a while is waited for', async () => {
  let looks = 0;
  await until('the third look is good', 10_000, () => {
    looks += 1;
    if (looks === 1) throw new Error('the database is away');
    return looks === 3;
  });
  expect(looks).toBe(3);
});

test('what never comes is said, with how looking failed last', async () => {
  const never = until('a row is there', 1, () => Promise.reject(new Error('the database is away')));
  await expect(never).rejects.toThrow('not within 0.001 s: a row is there (Error: the database is away)');
});
