/** A reader that has nothing to do leaves machine and broker alone, and one that has does not wait. */
import { expect, test } from 'vitest';
import { restMs, waitMs } from './fetcher.ts';

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

test.each([
  ['a record after a silence: the fetch was out for long', 200, 1_000, 0],
  ['a trickle: what comes meanwhile comes together', 200, 1, 49],
  ['a backlog', 1_000_000, 1, 0],
  ['nothing: the broker has held it back', 0, 20, 0],
])('%s', (_what, bytes, tookMs, expected) => {
  expect(restMs(bytes, tookMs)).toBe(expected);
});
