/** Memory stays bounded whatever the backlog, the partitions and the Pipelines of a process are. */
import { setTimeout as delay } from 'node:timers/promises';
import { startKafka } from '@millrace/embedded/kafka.ts';
import pino from 'pino';
import { expect, test } from 'vitest';
import { connectKafka } from './connect.ts';
import { Held } from './held.ts';

test('what is held counts once, and whoever waits for room goes on as soon as there is some', async () => {
  const held = new Held(10);
  const first = held.take(6);
  await held.room();
  const second = held.take(6);
  let hasRoom = false;
  const waiting = held.room().then(() => {
    hasRoom = true;
  });
  await new Promise(setImmediate);
  expect(hasRoom).toBe(false);
  first();
  first();
  await waiting;
  second();
  await held.room();
});

test('of a backlog in many partitions of two topics no more than some MiB are in the hands of handlers at a time', async () => {
  const server = await startKafka();
  const kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log: pino({ level: 'silent' }) });
  try {
    const [partitions, records, bytes] = [8, 6, 200_000];
    const sender = kafka.sender();
    for (const name of ['one', 'other']) {
      await kafka.createTopic({ name, partitions, config: {} });
      const made = Array.from({ length: records }, () => ({ key: null, value: Buffer.alloc(bytes), headers: {} }));
      for (let partition = 0; partition < partitions; partition++) await sender.send(name, partition, made);
    }
    await sender.close();
    let [now, most, read] = [0, 0, 0];
    const readers = ['one', 'other'].map((topic) =>
      kafka.read({
        group: topic,
        topic,
        concurrency: partitions,
        load: async () => ({ next: null, bookmark: null, topicId: null }),
        handle: async (batch) => {
          const mine = batch.records.length * bytes;
          now += mine;
          most = Math.max(most, now);
          await delay(100); // long enough for whatever else would come
          now -= mine;
          read += batch.records.length;
        },
        notice: () => {},
      }),
    );
    await expect.poll(() => read, { timeout: 30_000 }).toBe(2 * partitions * records);
    expect(most).toBeGreaterThan(400_000); // several at a time
    expect(most).toBeLessThan(2 * 1_048_576 + 2 * 1_048_576); // what may be held, and one answer for each reader
    await Promise.all(readers.map(async (reader) => (await reader).close(0)));
  } finally {
    await kafka.close();
    await server.stop();
  }
});
