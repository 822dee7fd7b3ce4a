/** Memory stays bounded whatever the backlog is, and no partition or Pipeline that hangs stops the others. */
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectKafka } from './connect.ts';
import { Held, shareOf } from './held.ts';
import type { Batch, Kafka } from './kafka.ts';

const turn = () => new Promise(setImmediate);

/** Whether there is room now. */
async function hasRoom(held: Held): Promise<boolean> {
  return Promise.race([held.room().then(() => true), turn().then(() => false)]);
}

describe('what is held', () => {
  test('counts once, and whoever waits for room goes on as soon as there is some', async () => {
    const held = new Held(() => 10);
    const first = held.take(6);
    expect(await held.room()).toBe(4);
    const second = held.take(6);
    const waiting = held.room();
    expect(await hasRoom(held)).toBe(false);
    first.release();
    first.release();
    expect(await waiting).toBe(4);
    second.release();
    expect(await held.room()).toBe(10);
  });

  test('overdue batches leave their room once, not without end', async () => {
    const held = new Held(() => 10);
    const first = held.take(10);
    first.overdue();
    first.overdue();
    expect(await held.room()).toBe(10);
    const second = held.take(10);
    second.overdue();
    expect(await hasRoom(held)).toBe(false);
    first.release();
    second.overdue();
    expect(await held.room()).toBe(10);
    second.release();
    first.overdue();
    expect(await held.room()).toBe(10);
  });

  test('the shares of many readers are together what one may hold', () => {
    expect(20 * shareOf(20)).toBe(shareOf(1));
    expect(shareOf(0)).toBe(shareOf(1));
  });
});

describe('on a broker', () => {
  const BYTES = 200_000;
  const NOTHING = { load: async () => ({ next: null, bookmark: null, topicId: null }), notice: () => {} };
  const patient = { timeout: 60_000, interval: 20 };
  let server: EmbeddedKafka;
  let kafka: Kafka;

  beforeAll(async () => {
    server = await startKafka();
    kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log: pino({ level: 'silent' }) });
  });

  afterAll(async () => {
    await kafka?.close();
    await server?.stop();
  });

  async function fill(topic: string, partitions: number, records: number): Promise<void> {
    await kafka.createTopic({ name: topic, partitions, config: {} });
    const sender = kafka.sender();
    const made = Array.from({ length: records }, () => ({ key: null, value: Buffer.alloc(BYTES), headers: {} }));
    for (let partition = 0; partition < partitions; partition++) await sender.send(topic, partition, made);
    await sender.close();
  }

  test('of a backlog in many partitions of two topics no more than some MiB are in the hands of handlers', async () => {
    const [partitions, records] = [16, 6];
    for (const topic of ['one', 'other']) await fill(topic, partitions, records);
    let [now, most, read] = [0, 0, 0];
    const waiting: (() => void)[] = [];
    const handle = async (batch: Batch) => {
      const mine = batch.records.length * BYTES;
      now += mine;
      most = Math.max(most, now);
      await new Promise<void>((resolve) => waiting.push(resolve));
      now -= mine;
      read += batch.records.length;
    };
    const readers = await Promise.all(
      ['one', 'other'].map((topic) => kafka.read({ group: topic, topic, concurrency: partitions, handle, ...NOTHING })),
    );
    // As many as may come at a time, then one after the other.
    await expect.poll(() => now, patient).toBeGreaterThan(shareOf(1) - BYTES);
    const ending = setInterval(() => waiting.shift()?.(), 5);
    await expect.poll(() => read, patient).toBe(2 * partitions * records);
    clearInterval(ending);
    expect(most).toBeLessThan(shareOf(1) + 2 * 1_048_576); // of each reader one answer more than fits
    await Promise.all(readers.map((reader) => reader.close(0)));
  });

  test('partitions that hang do not stop those beside them', async () => {
    const [partitions, records] = [8, 12];
    await fill('hanging', partitions, records);
    const hanging = Promise.withResolvers<void>();
    const read = new Map<number, number>();
    const reader = await kafka.read({
      group: 'hanging',
      topic: 'hanging',
      concurrency: 2,
      handle: async ({ partition, records }) => {
        if (partition < partitions - 1) await hanging.promise;
        read.set(partition, (read.get(partition) ?? 0) + records.length);
      },
      ...NOTHING,
    });
    await expect.poll(() => read.get(partitions - 1), patient).toBe(records);
    expect([...read.keys()]).toEqual([partitions - 1]);
    hanging.resolve();
    await expect.poll(() => [...read.values()], patient).toEqual(Array(partitions).fill(records));
    await reader.close(0);
  });
});
