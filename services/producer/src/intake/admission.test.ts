import { expect, test } from 'vitest';
import { type Admission, admissionOf, rejectionsInARow, type Situation, STALLED_MS } from './admission.ts';

const STALLED: Admission = { kind: 'away', why: 'nothing was acknowledged for more than 5 s' };

test.each<[string, Situation, Admission]>([
  ['nothing waits', { away: null, silentMs: null, isFull: false }, { kind: 'open' }],
  ['something waits', { away: null, silentMs: STALLED_MS, isFull: false }, { kind: 'open' }],
  ['much waits', { away: null, silentMs: 10, isFull: true }, { kind: 'full' }],
  ['something waits for too long', { away: null, silentMs: STALLED_MS + 1, isFull: false }, STALLED],
  ['much waits for too long: the clients hear why', { away: null, silentMs: STALLED_MS + 1, isFull: true }, STALLED],
  ['there is no topic', { away: 'no topic', silentMs: null, isFull: true }, { kind: 'away', why: 'no topic' }],
  ['a send was rejected', { away: 'rejected', silentMs: STALLED_MS + 1, isFull: true }, { kind: 'away', why: 'rejected' }],
])('%s', (_when, situation, expected) => {
  expect(admissionOf(situation)).toEqual(expected);
});

test('rejections in a row add up, and those that lie far apart do not, though something waited all the time', () => {
  expect([0, 1, 10].map((before) => rejectionsInARow(before, 1_000))).toEqual([1, 2, 11]);
  expect(rejectionsInARow(10, 3_600_000)).toBe(1);
});
