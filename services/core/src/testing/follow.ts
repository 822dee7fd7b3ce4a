/** For tests: a reader on a real broker, behind a proxy, that stores rows and position together as the sink does. */
import { type FaultProxy, startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { Kafka as Kafkajs, logLevel } from 'kafkajs';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { connectKafka } from '../kafka/connect.ts';
import type { Batch, Kafka, Notice, Position, Reader, Sender } from '../kafka/kafka.ts';

const log = pino({ level: 'silent' });
export const NOTHING: Position = { next: null, bookmark: null, topicId: null };
export let server: EmbeddedKafka;
export let proxy: FaultProxy;
export let kafka: Kafka;
let sender: Sender;
/** Of the test that runs, with two partitions. */
export let topic: string;
let topics = 0;
/** Closed after the test. */
export let open: Reader[] = [];

/** For the tests of this file: a broker behind a proxy, a topic for each test; readers are closed after it. */
export function withBroker(): void {
  beforeAll(async () => {
    const [port] = (await freePorts(1)) as [number];
    proxy = await startFaultProxy(`127.0.0.1:${port}`);
    server = await startKafka({ ports: [port], config: { 'advertised.listeners': `PLAINTEXT://${proxy.address}` } });
    kafka = connectKafka({ brokers: [proxy.address], clientId: 'test', log });
  });

  afterAll(async () => {
    await kafka?.close();
    await server?.stop();
    await proxy?.stop();
  });

  beforeEach(async () => {
    topic = `topic-${topics++}`;
    open = [];
    sender = kafka.sender();
    await kafka.createTopic({ name: topic, partitions: 2, config: {} });
  });

  afterEach(async () => {
    await proxy.heal();
    await Promise.all(open.map((reader) => reader.close(0)));
    await sender.close();
  });
}

const record = (text: string) => ({ key: null, value: Buffer.from(text), headers: {} });
/** To the topic, in order. */
export const send = (partition: number, ...texts: string[]) => sender.send(topic, partition, texts.map(record));

/** What one partition's owner stores with what it read, as the sink does. */
export interface Store {
  position: Position;
  rows: string[];
}

interface Observed {
  reader: Reader;
  notices: Notice[];
  stores: Store[];
  loads: number;
  rows(partition: number): string[];
}

/** A reader that stores rows and position together; `before` runs first in each handler. */
export async function follow(
  options: {
    stores?: Store[];
    group?: string;
    before?: (batch: Batch) => Promise<void> | void;
    load?: () => Promise<void> | void;
  } = {},
): Promise<Observed> {
  const stores = options.stores ?? [0, 1, 2, 3].map(() => ({ position: NOTHING, rows: [] }));
  const observed = { notices: [] as Notice[], stores, loads: 0, rows: (partition: number) => stores[partition]?.rows ?? [] };
  const reader = await kafka.read({
    group: options.group ?? `${topic}.test`,
    topic,
    load: async (partition) => {
      observed.loads++;
      await options.load?.();
      return (stores[partition] as Store).position;
    },
    handle: async (batch) => {
      await options.before?.(batch);
      batch.signal.throwIfAborted();
      const store = stores[batch.partition] as Store;
      store.rows.push(...batch.records.map(({ value }) => String(value)));
      const last = batch.records.at(-1);
      const text = String(last?.value);
      store.position = {
        next: batch.next,
        topicId: batch.topicId,
        bookmark: { timestampMs: last?.timestampMs ?? 0, matches: ({ value }) => String(value) === text },
      };
    },
    notice: (notice) => observed.notices.push(notice),
  });
  open.push(reader);
  return Object.assign(observed, { reader });
}

export const eventually = { timeout: 20_000, interval: 20 };

/** As retention does it. */
export async function removeRecords(partition: number, before: number): Promise<void> {
  const admin = new Kafkajs({ brokers: server.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.fetchTopicMetadata({ topics: [topic] }); // it deletes nothing without having looked
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
  await admin.disconnect();
}
