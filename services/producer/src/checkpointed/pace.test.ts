import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pacer } from './pace.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('gaps add up exactly, however short: 10,000 per second are 10,000 after a second', () => {
  const pacer = new Pacer();
  let sent = 0;
  for (let ms = 0; ms < 1_000; ms++) {
    for (let burst = 0; burst < 1_000 && !pacer.isEarly(0.1); burst++) sent++;
    // The record that was early is due a little later; a real sender waits for it.
    sent++;
    vi.advanceTimersByTime(1);
  }
  expect(Math.abs(sent - 10_000)).toBeLessThan(50);
});

test('the first record goes at once, the next one waits its gap', () => {
  const pacer = new Pacer();
  expect(pacer.isEarly(1_000)).toBe(false);
  expect(pacer.isEarly(1_000)).toBe(true);
  vi.advanceTimersByTime(1_000);
  expect(pacer.isEarly(1_000)).toBe(true);
});

test('after an outage it catches up a second, not an hour', () => {
  const pacer = new Pacer();
  pacer.isEarly(100);
  vi.advanceTimersByTime(3_600_000);
  let burst = 0;
  while (!pacer.isEarly(100)) burst++;
  expect(burst).toBeLessThanOrEqual(12);
});
