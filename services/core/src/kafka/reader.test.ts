/** Contract of the reader against a real broker. */
import { type FaultProxy, startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { Kafka as Kafkajs, logLevel } from 'kafkajs';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectKafka } from './connect.ts';
import { type Batch, type Kafka, type Notice, type Position, type Reader, Reload, type Sender } from './kafka.ts';

const log = pino({ level: 'silent' });
const NOTHING: Position = { next: null, bookmark: null, topicId: null };
let server: EmbeddedKafka;
let proxy: FaultProxy;
let kafka: Kafka;
let sender: Sender;
let topic: string;
let topics = 0;
let open: Reader[] = [];

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

const record = (text: string) => ({ key: null, value: Buffer.from(text), headers: {} });
const send = (partition: number, ...texts: string[]) => sender.send(topic, partition, texts.map(record));

/** What one partition's owner stores with what it read, as the sink does. */
interface Store {
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
async function follow(
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

const eventually = { timeout: 20_000, interval: 20 };

async function removeRecords(partition: number, before: number): Promise<void> {
  const admin = new Kafkajs({ brokers: server.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.fetchTopicMetadata({ topics: [topic] }); // it deletes nothing without having looked
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
  await admin.disconnect();
}

describe('where a reader goes on', () => {
  test('a new reader takes everything from the beginning, each partition in order, and then what comes', async () => {
    await send(0, 'a', 'b');
    await send(1, 'A');
    const seen = await follow();
    await expect.poll(() => [seen.rows(0), seen.rows(1)], eventually).toEqual([['a', 'b'], ['A']]);
    await send(0, 'c');
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b', 'c']);
    expect(seen.reader.partitions()).toEqual([
      { partition: 0, state: 'reading', reason: null, next: 3, end: 3 },
      { partition: 1, state: 'reading', reason: null, next: 1, end: 1 },
    ]);
    expect(seen.notices).toEqual([]);
  });

  test('the next reader goes on at the position, not at what the group committed', async () => {
    await send(0, 'a', 'b', 'c');
    const first = await follow();
    await expect.poll(() => first.rows(0), eventually).toEqual(['a', 'b', 'c']);
    await first.reader.close();
    await kafka.commit(`${topic}.test`, topic, 0, { offset: 1, metadata: '' });
    await send(0, 'd');
    const second = await follow({ stores: first.stores });
    await expect.poll(() => second.rows(0), eventually).toEqual(['a', 'b', 'c', 'd']);
    expect(second.notices).toEqual([]);
  });

  test('what retention took unread is told, to the record, before what follows', async () => {
    await send(0, 'a', 'b', 'c', 'd', 'e');
    const first = await follow();
    await expect.poll(() => first.rows(0), eventually).toHaveLength(5);
    await first.reader.close();
    await send(0, 'f', 'g', 'h');
    await removeRecords(0, 7);
    const told: number[] = [];
    const second = await follow({ stores: first.stores, before: () => void told.push(second.notices.length) });
    await expect.poll(() => second.rows(0), eventually).toEqual(['a', 'b', 'c', 'd', 'e', 'h']);
    expect(second.notices).toEqual([{ kind: 'lost', topic, partition: 0, next: 5, start: 7, records: 2 }]);
    expect(told).toEqual([1]);
  });

  test('retention that took exactly what was read is no loss', async () => {
    await send(0, 'a', 'b');
    const first = await follow();
    await expect.poll(() => first.rows(0), eventually).toHaveLength(2);
    await first.reader.close();
    await removeRecords(0, 2);
    await send(0, 'c');
    const second = await follow({ stores: first.stores });
    await expect.poll(() => second.rows(0), eventually).toEqual(['a', 'b', 'c']);
    expect(second.notices).toEqual([]);
  });

  test('another record where the last one stood: the log was cut and grew again, read from its beginning', async () => {
    await send(0, 'a', 'b', 'c');
    const id = (await kafka.topic(topic))?.id ?? '';
    const bookmark = { timestampMs: 1, matches: () => true };
    const seen = await follow({
      stores: [
        { position: { next: 2, topicId: id, bookmark }, rows: [] },
        { position: NOTHING, rows: [] },
      ],
    });
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b', 'c']);
    expect(seen.notices).toEqual([
      { kind: 'truncated', topic, partition: 0, next: 2, end: 3, restartAt: 0, bookmark: { timestampMs: 1 } },
    ]);
  });

  test('a notice comes again with a load that leads to it, marked, until a batch was handled', async () => {
    await send(0, 'a', 'b', 'c');
    let failures = 2;
    const bookmark = { timestampMs: 1, matches: () => true };
    const stores = [
      { position: { next: 9, topicId: (await kafka.topic(topic))?.id ?? '', bookmark }, rows: [] },
      { position: NOTHING, rows: [] },
    ];
    const seen = await follow({
      stores,
      before: () => {
        if (failures-- > 0) throw new Reload('not yet');
      },
    });
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b', 'c']);
    expect(seen.notices.map(({ kind, again }) => [kind, again])).toEqual([
      ['truncated', undefined],
      ['truncated', true],
      ['truncated', true],
    ]);
  });
});

describe('a topic that is deleted and created again', () => {
  test('under a busy reader: nothing of the new one is lost, nothing of it comes under the old id', async () => {
    await send(0, ...Array.from({ length: 50 }, (_, index) => `old-${index}`));
    const old = (await kafka.topic(topic))?.id;
    const ids = new Map<string, string>();
    const seen = await follow({
      before: async (batch) => {
        for (const { value } of batch.records) ids.set(String(value), batch.topicId);
        await new Promise((resolve) => setTimeout(resolve, 30));
      },
    });
    await expect.poll(() => seen.rows(0), eventually).toHaveLength(50);
    await send(0, 'old-last');
    await kafka.deleteTopic(topic);
    await kafka.createTopic({ name: topic, partitions: 2, config: {} });
    const texts = Array.from({ length: 150 }, (_, index) => `new-${index}`);
    for (let i = 0; i < texts.length; i += 10) await send(0, ...texts.slice(i, i + 10));
    await expect.poll(() => seen.rows(0).filter((row) => row.startsWith('new')), eventually).toEqual(texts);
    const found = (await kafka.topic(topic))?.id;
    expect(new Set(texts.map((text) => ids.get(text)))).toEqual(new Set([found]));
    expect(seen.notices.filter(({ partition, again }) => partition === 0 && !again)).toEqual([
      { kind: 'recreated', topic, partition: 0, expected: old, found, restartAt: 0 },
    ]);
  });
});

describe('a handler', () => {
  test('that takes longer than the session holds nobody up and keeps its partition', async () => {
    const release = Promise.withResolvers<void>();
    let committed: Promise<void> | null = null;
    const seen = await follow({
      before: async (batch) => {
        if (batch.partition !== 0) return;
        await release.promise;
        committed = batch.commit(batch.next, 'after a long time');
        await committed;
      },
    });
    await send(0, 'slow');
    await expect.poll(() => seen.reader.partitions().find(({ partition }) => partition === 0)?.state, eventually).toBe('paused');
    const since = performance.now();
    for (let i = 0; performance.now() - since < 7_000; i++) {
      await send(1, `quick-${i}`);
      await expect.poll(() => seen.rows(1), eventually).toHaveLength(i + 1);
    }
    release.resolve();
    await expect.poll(() => seen.rows(0), eventually).toEqual(['slow']);
    await committed;
    expect(await kafka.committed(`${topic}.test`, topic)).toEqual(new Map([[0, { offset: 1, metadata: 'after a long time' }]]));
    expect(seen.loads).toBe(2); // one per partition: it was never given up
  });

  test('that is stuck when another member joins: that one gets its share, the stuck one is aborted and may not commit', async () => {
    const release = Promise.withResolvers<void>();
    const outcome = Promise.withResolvers<unknown>();
    let running = 0;
    let most = 0;
    const stuck = async (batch: Batch) => {
      if (batch.partition !== 0 || batch.records.some(({ value }) => String(value) !== 'stuck')) return;
      most = Math.max(most, ++running);
      await release.promise;
      running--;
      expect(batch.signal.aborted).toBe(true);
      outcome.resolve(await batch.commit(batch.next, 'too late').catch((error: unknown) => error));
      throw new Error('aborted');
    };
    const first = await follow({ before: stuck });
    await send(0, 'stuck');
    await expect.poll(() => running, eventually).toBe(1);
    const second = await follow({ stores: first.stores });
    await expect.poll(() => second.reader.partitions().length, eventually).toBe(1);
    await expect.poll(() => first.reader.partitions().length, eventually).toBe(1);
    await send(1, 'A');
    await expect.poll(() => first.rows(1), eventually).toEqual(['A']);
    release.resolve();
    expect(await outcome.promise).toBeInstanceOf(Error);
    expect(await kafka.committed(`${topic}.test`, topic)).toEqual(new Map());
    expect(most).toBe(1);
  });

  test('that fails gets the same records again, after a pause that says why', async () => {
    let failures = 2;
    const reasons: (string | null | undefined)[] = [];
    const seen = await follow({
      before: async (batch) => {
        if (batch.partition === 0 && failures-- > 0) {
          setTimeout(() => reasons.push(seen.reader.partitions()[0]?.reason), 50);
          throw new Error('database unreachable');
        }
      },
    });
    await send(0, 'a', 'b');
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b']);
    expect(reasons).toEqual(['database unreachable', 'database unreachable']);
  });

  test('that wants its position loaded again gets it at once, from where the other one moved it', async () => {
    await send(0, 'a', 'b', 'c');
    let moved = false;
    const seen = await follow({
      before: (batch) => {
        if (moved || batch.partition !== 0) return;
        moved = true;
        const [, second] = batch.records;
        const bookmark = { timestampMs: second?.timestampMs ?? 0, matches: () => true };
        (seen.stores[0] as Store).position = { next: 2, topicId: batch.topicId, bookmark };
        throw new Reload('moved by another');
      },
    });
    await expect.poll(() => seen.rows(0), eventually).toEqual(['c']);
  });

  test('is called for no more partitions at a time than asked for', async () => {
    await kafka.addPartitions(topic, 4);
    for (let partition = 0; partition < 4; partition++) await send(partition, 'a');
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    const reader = await kafka.read({
      group: `${topic}.two`,
      topic,
      concurrency: 2,
      load: async () => NOTHING,
      handle: async ({ partition }) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 100));
        running--;
        seen.push(partition);
      },
      notice: () => {},
    });
    open.push(reader);
    await expect.poll(() => [...seen].sort(), eventually).toEqual([0, 1, 2, 3]);
    expect(most).toBe(2);
  });
});

describe('a position that cannot be loaded', () => {
  test('pauses the partition with the reason, reads nothing, and goes on when it can', async () => {
    await send(0, 'a');
    let isDown = true;
    const seen = await follow({
      load: () => {
        if (isDown) throw new Error('no route to database');
      },
    });
    await expect
      .poll(() => seen.reader.partitions().map(({ state, reason }) => [state, reason]), eventually)
      .toEqual([
        ['paused', 'no route to database'],
        ['paused', 'no route to database'],
      ]);
    expect(seen.rows(0)).toEqual([]);
    isDown = false;
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a']);
  });
});

describe('the group', () => {
  test('a member that closes leaves at once: the other one has its partitions without waiting for the session', async () => {
    const first = await follow();
    await expect.poll(() => first.reader.partitions().length, eventually).toBe(2);
    const second = await follow();
    await expect.poll(() => [first.reader.partitions().length, second.reader.partitions().length], eventually).toEqual([1, 1]);
    await first.reader.close();
    await expect.poll(() => second.reader.partitions().length, { timeout: 4_000, interval: 20 }).toBe(2);
  });

  test('closing lets the running handler finish and commit', async () => {
    const begun = Promise.withResolvers<void>();
    const seen = await follow({
      before: async (batch) => {
        begun.resolve();
        await new Promise((resolve) => setTimeout(resolve, 300));
        await batch.commit(batch.next, 'at the end');
      },
    });
    await send(1, 'A');
    await begun.promise;
    await seen.reader.close();
    expect(seen.rows(1)).toEqual(['A']);
    expect(await kafka.committed(`${topic}.test`, topic)).toEqual(new Map([[1, { offset: 1, metadata: 'at the end' }]]));
  });

  test('partitions that are added are read by themselves', async () => {
    const seen = await follow();
    await expect.poll(() => seen.reader.partitions().length, eventually).toBe(2);
    await kafka.addPartitions(topic, 3);
    await send(2, 'a');
    await expect.poll(() => seen.rows(2), eventually).toEqual(['a']);
  });

  test('a topic that is not there is an error', async () => {
    const nothing = { load: async () => NOTHING, handle: async () => {}, notice: () => {} };
    await expect(kafka.read({ group: 'g', topic: 'nowhere', ...nothing })).rejects.toThrow(
      'there is no topic nowhere in Kafka at',
    );
  });
});

describe('when Kafka fails', () => {
  test('broken connections, late answers and a while without broker: each record once, in order', async () => {
    const seen = await follow();
    const texts = Array.from({ length: 80 }, (_, index) => String(index));
    const sending = (async () => {
      for (const text of texts) {
        await send(0, text);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    await expect.poll(() => seen.rows(0).length, eventually).toBeGreaterThan(2);
    proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 500));
    proxy.delay(80);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await proxy.refuse();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await proxy.heal();
    await sending;
    await expect.poll(() => seen.rows(0), eventually).toEqual(texts);
    expect(seen.notices).toEqual([]);
  });

  test('a broker that is killed and comes back: reading goes on by itself where it was', async () => {
    const seen = await follow();
    await send(0, 'a');
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a']);
    const [node] = server.nodes;
    node?.kill('SIGKILL');
    await node?.exited;
    await expect.poll(() => seen.reader.partitions().every(({ state }) => state === 'reading'), eventually).toBe(false);
    await node?.start();
    await send(0, 'b');
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b']);
    expect(seen.notices).toEqual([]);
  });
});
