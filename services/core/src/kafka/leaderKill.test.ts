/** What a one-broker test cannot see: leaders that die under load (FACTS trap 1). */
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from './cluster.ts';
import { connectKafka } from './connect.ts';
import type { Kafka } from './kafka.ts';

const PARTITIONS = 6;
const log = pino({ level: 'silent' });
let server: EmbeddedKafka;
let kafka: Kafka;

beforeAll(async () => {
  server = await startKafka({ nodes: 3, heapMegabytes: 128 });
  kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log });
}, 120_000);

afterAll(async () => {
  await kafka?.close();
  await server?.stop();
}, 60_000);

test('a leader that is killed under load: every acknowledged record is there once, in order, and read once', async () => {
  const topic = 'survives';
  await kafka.createTopic({ name: topic, partitions: PARTITIONS, config: { 'min.insync.replicas': '2' } });
  const read = Array.from({ length: PARTITIONS }, () => [] as number[]);
  const notices: unknown[] = [];
  const positions = new Map<number, { next: number; bookmark: { timestampMs: number; matches(): boolean }; topicId: string }>();
  const reader = await kafka.read({
    group: 'survives.test',
    topic,
    load: async (partition) => positions.get(partition) ?? { next: null, bookmark: null, topicId: null },
    handle: async ({ partition, records, next, topicId }) => {
      read[partition]?.push(...records.map(({ value }) => Number(value)));
      positions.set(partition, {
        next,
        topicId,
        bookmark: { timestampMs: records.at(-1)?.timestampMs ?? 0, matches: () => true },
      });
    },
    notice: (notice) => notices.push(notice),
  });

  const sender = kafka.sender();
  const acknowledged = Array.from({ length: PARTITIONS }, () => [] as number[]);
  let isOver = false;
  const writers = acknowledged.map(async (mine, partition) => {
    for (let count = 0; !isOver; ) {
      const numbers = Array.from({ length: 20 }, () => count++);
      const { baseOffset } = await sender.send(
        topic,
        partition,
        numbers.map((one) => ({ key: null, value: Buffer.from(String(one)), headers: {} })),
      );
      expect(baseOffset).toBe(mine.length); // each acknowledged send stands right behind the one before
      mine.push(...numbers);
    }
  });
  const sent = () => acknowledged.reduce((sum, mine) => sum + mine.length, 0);
  const grows = async (by: number) => {
    const from = sent();
    await expect.poll(sent, { timeout: 45_000, interval: 50 }).toBeGreaterThan(from + by);
  };

  await grows(2_000);
  const cluster = new Cluster({ brokers: server.brokers, clientId: 'test', log });
  const { leader } = await cluster.leader(topic, 0);
  cluster.close();
  const victim = server.nodes.find(({ id }) => id === leader);
  victim?.kill('SIGKILL');
  await victim?.exited;
  await grows(2_000);
  await victim?.start();
  await grows(2_000);
  isOver = true;
  await Promise.all(writers);

  for (const [partition, mine] of acknowledged.entries()) {
    await expect.poll(() => read[partition]?.length, { timeout: 30_000 }).toBe(mine.length);
    expect(read[partition]).toEqual(mine);
    const stored: number[] = [];
    for await (const { value } of kafka.range(topic, partition, 0, mine.length + 100)) stored.push(Number(value));
    expect(stored).toEqual(mine);
  }
  expect(notices).toEqual([]);
  await reader.close();
  await sender.close();
}, 150_000);
