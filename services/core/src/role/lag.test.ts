import { expect, test } from 'vitest';
import type { KafkaRecord, PartitionState } from '../kafka/kafka.ts';
import { watchLag } from './lag.ts';

const record = (timestampMs: number): KafkaRecord => ({ offset: 0, timestampMs, key: null, value: null, headers: {} });
const batch = (partition: number, ...times: number[]) => ({ partition, records: times.map(record) });
const state = (partition: number, next: number | null, end: number | null): PartitionState => ({
  partition,
  state: 'reading',
  reason: null,
  next,
  end,
});
const done = async (): Promise<void> => undefined;
const refused = (): Promise<void> => Promise.reject(new Error('no database'));

test('nothing seen, and nothing waiting, is no lag', async () => {
  const lag = watchLag();
  expect(lag.seconds([], 10_000)).toBe(0);
  expect(lag.seconds([state(0, null, null), state(1, 0, 5)], 10_000)).toBe(0);
  await lag.handle(batch(0, 1_000, 2_000), done);
  expect(lag.seconds([state(0, 2, 2)], 1_000_000)).toBe(0);
});

test('a batch in hand waits since its first record came', async () => {
  const lag = watchLag();
  const { promise, resolve } = Promise.withResolvers<void>();
  const handled = lag.handle(batch(0, 4_000, 9_000), () => promise);
  expect(lag.seconds([state(0, 0, 2)], 10_000)).toBe(6);
  resolve();
  await handled;
  expect(lag.seconds([state(0, 2, 2)], 10_000)).toBe(0);
});

test('what cannot be stored goes on waiting', async () => {
  const lag = watchLag();
  await expect(lag.handle(batch(0, 4_000), refused)).rejects.toThrow('no database');
  expect(lag.seconds([state(0, 0, 1)], 304_000)).toBe(300);
  await lag.handle(batch(0, 4_000), done);
  expect(lag.seconds([state(0, 1, 1)], 304_000)).toBe(0);
});

test('between two batches of a backlog it is as late as the last record that was done', async () => {
  const lag = watchLag();
  await lag.handle(batch(0, 1_000, 2_000), done);
  expect(lag.seconds([state(0, 2, 100)], 62_000)).toBe(60);
});

test('the latest partition counts, and only those that it has now', async () => {
  const lag = watchLag();
  await expect(lag.handle(batch(0, 1_000), refused)).rejects.toThrow();
  await expect(lag.handle(batch(1, 5_000), refused)).rejects.toThrow();
  expect(lag.seconds([state(0, 0, 1), state(1, 0, 1)], 11_000)).toBe(10);
  expect(lag.seconds([state(1, 0, 1)], 11_000)).toBe(6);
  expect(lag.seconds([state(0, 0, 1), state(1, 0, 1)], 11_000)).toBe(6); // taken away, and given back later
});

test('a broker whose clock is ahead makes no negative lag', async () => {
  const lag = watchLag();
  await expect(lag.handle(batch(0, 20_000), refused)).rejects.toThrow();
  expect(lag.seconds([state(0, 0, 1)], 10_000)).toBe(0);
});
