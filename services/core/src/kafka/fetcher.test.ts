/** A reader that has nothing to do leaves machine and broker alone, and one that has does not wait. */
import { expect, test } from 'vitest';
import { waitMs } from './fetcher.ts';

const waiting = { isWaiting: true, isHurried: false };
const paused = { isWaiting: false, isHurried: false };
const handling = { isWaiting: false, isHurried: true };

test.each([
  ['all wait: long, since the broker answers as soon as there is something', [waiting, waiting], 1_000],
  ['one is paused: it may ask any time', [waiting, paused], 250],
  ['one works on a batch: it asks soon', [waiting, paused, handling], 20],
  ['only the one that asks', [waiting], 1_000],
])('%s', (_what, lanes, expected) => {
  expect(waitMs(lanes)).toBe(expected);
});
