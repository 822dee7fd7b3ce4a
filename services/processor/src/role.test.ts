/** The processor against a real Kafka: what is committed, sent and counted when things go wrong. */
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka, KafkaRecord, OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { decodeOrigin, isAfter, type Origin } from '@millrace/core/record/origin.ts';
import { decodeProgress, freshProgress, type Progress } from '@millrace/core/record/progress.ts';
import { encodeReplayPosition, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import { readRefusal } from '@millrace/core/record/refusal.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { processor } from './role.ts';

const PARTITIONS = 2;
const log = pino({ level: 'silent' });
const WAIT = { timeout: 25_000, interval: 50 };

let server: EmbeddedKafka;
let kafka: Kafka;
let source: Sender;
const workers = new Set<Worker>();

beforeAll(async () => {
  server = await startKafka();
  kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log });
  source = kafka.sender();
}, 120_000);

afterEach(async () => {
  await Promise.all([...workers].map((worker) => worker.stop()));
  workers.clear();
});

afterAll(async () => {
  await kafka?.close();
  await server?.stop();
});

interface Feed {
  pipeline: Pipeline;
  names: PipelineNames;
}

async function feedOf(name: string): Promise<Feed> {
  const pipeline: Pipeline = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source: { simulator: { seed: 1, devices: 1 } },
      record: {
        key: 'device',
        time: { field: 'ts', format: 'epoch_ms' },
        fields: { device: { type: 'text', required: true }, n: { type: 'int', required: true } },
        where: [{ name: 'seventh', cel: 'n % 7 != 0' }],
      },
      table: { name: 'test' },
    },
  };
  const names = namesOf(pipeline);
  for (const topic of [names.raw, names.processed, names.dlq]) await createTopic(topic);
  return { pipeline, names };
}

async function createTopic(name: string): Promise<void> {
  await kafka.createTopic({ name, partitions: PARTITIONS, config: { 'message.timestamp.type': 'LogAppendTime' } });
}

/** Record n: each seventh is dropped, each fifth of the others is bad. */
function rawRecord(n: number, headers: Record<string, string> = {}): OutRecord {
  const isBad = n % 5 === 0 && n % 7 !== 0;
  return { key: Buffer.from('k'), value: Buffer.from(isBad ? `{"n":${n}` : JSON.stringify({ device: 'd', ts: n, n })), headers };
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
const kept = (all: number[]): number[] => all.filter((n) => n % 7 !== 0 && n % 5 !== 0);
const refused = (all: number[]): number[] => all.filter((n) => n % 7 !== 0 && n % 5 === 0);
const dropped = (all: number[]): number[] => all.filter((n) => n % 7 === 0);

async function append({ names }: Feed, all: number[], headers?: (n: number) => Record<string, string>): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records = all.filter((n) => n % PARTITIONS === partition).map((n) => rawRecord(n, headers?.(n)));
    if (records.length > 0) await source.send(names.raw, partition, records);
  }
}

async function start({ pipeline }: Feed, through: Kafka = kafka, metrics = new Registry()): Promise<Worker> {
  const worker = await processor.start(pipeline, { kafka: through, log, metrics, baseFolder: '/', database: undefined as never });
  workers.add(worker);
  return worker;
}

async function stop(worker: Worker): Promise<void> {
  workers.delete(worker);
  await worker.stop();
}

async function recordsOf(topic: string): Promise<KafkaRecord[][]> {
  const bounds = await kafka.bounds(topic);
  return Promise.all(bounds.map(({ start: from, end }, partition) => Array.fromAsync(kafka.range(topic, partition, from, end))));
}

/** Progress summed over the partitions, as committed. */
async function committed({ names }: Feed): Promise<Progress> {
  const sum = freshProgress('', 'processed');
  for (const { metadata } of (await kafka.committed(names.processorGroup, names.raw)).values()) {
    const progress = decodeProgress(metadata);
    if (!progress) throw new Error(`no progress: ${metadata}`);
    for (const name of ['raw', 'rows', 'refused', 'dropped', 'repeats'] as const) sum[name] += progress[name];
  }
  return sum;
}

async function untilRead(feed: Feed, records: number): Promise<Progress> {
  return await vi.waitFor(async () => {
    const progress = await committed(feed);
    expect(progress.raw).toBe(records);
    return progress;
  }, WAIT);
}

const originOf = ({ headers }: KafkaRecord): Origin => decodeOrigin(headers.origin ?? Buffer.alloc(0));
const numberOf = ({ value }: KafkaRecord): number => (JSON.parse(String(value)) as { n: number }).n;

/** What the sink keeps of each partition: what is not after the last origin is a repeat. */
function withoutRepeats(partitions: KafkaRecord[][]): number[] {
  return partitions
    .flatMap((records) => {
      const last = new Map<string, Origin>();
      return records.filter((record) => {
        const origin = originOf(record);
        if (!isAfter(origin, last.get(origin.topicId))) return false;
        last.set(origin.topicId, origin);
        return true;
      });
    })
    .map(numberOf)
    .sort((a, b) => a - b);
}

async function expectAll({ names }: Feed, all: number[]): Promise<void> {
  expect(withoutRepeats(await recordsOf(names.processed))).toEqual(kept(all));
  const refusals = (await recordsOf(names.dlq)).flat();
  const distinct = new Set(refusals.map(({ value }) => Number(/\d+/.exec(String(value))?.[0])));
  expect([...distinct].sort((a, b) => a - b)).toEqual(refused(all));
}

test('every record ends once, in its own partition, with its origin', async () => {
  const feed = await feedOf('plain');
  const all = numbers(0, 500);
  await append(feed, all);
  const metrics = new Registry();
  const worker = await start(feed, kafka, metrics);
  const progress = await untilRead(feed, all.length);
  expect(progress).toMatchObject({
    rows: kept(all).length,
    refused: refused(all).length,
    dropped: dropped(all).length,
    repeats: 0,
  });
  await expectAll(feed, all);
  const raw = await recordsOf(feed.names.raw);
  const rawId = (await kafka.topic(feed.names.raw))?.id;
  for (const [partition, records] of (await recordsOf(feed.names.processed)).entries()) {
    for (const record of records) {
      const origin = originOf(record);
      const from = raw[partition]?.[origin.offset];
      expect(origin).toMatchObject({ topicId: rawId, index: 0, count: 1 });
      expect(String(record.headers['raw-timestamp'])).toBe(String(from?.timestampMs));
      expect(numberOf(record)).toBe(from && numberOf(from));
      expect(record.key).toEqual(from?.key);
    }
  }
  const [[refusal]] = (await recordsOf(feed.names.dlq)) as [[KafkaRecord]];
  expect(refusal.value?.toString()).toBe('{"n":10');
  expect(readRefusal(refusal.headers)).toMatchObject({
    stage: 'decode',
    reason: 'parse',
    topic: feed.names.raw,
    partition: 0,
    origin: { offset: 5 },
  });
  expect(worker.health()).toEqual({ ready: true, phase: 'running', state: 'reading 2 partitions' });
  const text = await metrics.metrics();
  expect(text).toContain(`millrace_processor_records_total{pipeline="default/plain",result="rows"} ${kept(all).length}`);
  expect(text).toContain(`millrace_processor_dropped_total{pipeline="default/plain",filter="seventh"} ${dropped(all).length}`);
  expect(text).toContain('millrace_processor_paused_partitions{pipeline="default/plain"} 0');
});

test('killed after its sends and before its commits, again and again, it leaves no gap', async () => {
  const feed = await feedOf('killed');
  const all = numbers(0, 600);
  let commits = 0;
  const dying: Kafka = {
    ...kafka,
    read: (options) =>
      kafka.read({
        ...options,
        handle: (batch) =>
          options.handle({
            ...batch,
            commit: async (next, metadata) => {
              if (++commits % 3 !== 0) throw new Error('killed before the commit');
              await batch.commit(next, metadata);
            },
          }),
      }),
  };
  for (const from of [0, 200, 400]) {
    const worker = await start(feed, dying);
    await append(feed, numbers(from, from + 200));
    await vi.waitFor(async () => expect((await committed(feed)).raw).toBeGreaterThan(from), WAIT);
    await stop(worker);
  }
  await start(feed);
  const progress = await untilRead(feed, all.length);
  expect(progress).toMatchObject({
    rows: kept(all).length,
    refused: refused(all).length,
    dropped: dropped(all).length,
    repeats: 0,
  });
  const sent = (await recordsOf(feed.names.processed)).flat().length;
  expect(sent).toBeGreaterThan(kept(all).length); // there were repeats to drop
  await expectAll(feed, all);
});

test('a DLQ that cannot be written holds the commit back, and nothing is lost', async () => {
  const feed = await feedOf('blocked');
  const all = numbers(0, 100);
  let isBroken = true;
  const failing: Kafka = {
    ...kafka,
    sender: () => {
      const sender = kafka.sender();
      return {
        close: () => sender.close(),
        send: (topic, partition, records) =>
          isBroken && topic === feed.names.dlq
            ? Promise.reject(new Error('the disk of the broker is full'))
            : sender.send(topic, partition, records),
      };
    },
  };
  await append(feed, all);
  const worker = await start(feed, failing);
  await vi.waitFor(
    () => expect(worker.health()).toMatchObject({ ready: false, state: expect.stringMatching(/disk of the broker is full/) }),
    WAIT,
  );
  expect((await committed(feed)).raw).toBe(0);
  isBroken = false;
  await untilRead(feed, all.length);
  await expectAll(feed, all);
});

test('a raw topic that is recreated is read from its beginning, under another origin', async () => {
  const feed = await feedOf('recreated');
  await append(feed, numbers(0, 300));
  const metrics = new Registry();
  await start(feed, kafka, metrics);
  await untilRead(feed, 300);
  const before = (await kafka.topic(feed.names.raw))?.id;
  await kafka.deleteTopic(feed.names.raw);
  await vi.waitFor(() => createTopic(feed.names.raw), WAIT);
  await append(feed, numbers(300, 400));
  await vi.waitFor(async () => {
    const processed = withoutRepeats(await recordsOf(feed.names.processed));
    expect(processed).toEqual(kept(numbers(0, 400)));
  }, WAIT);
  const ids = new Set((await recordsOf(feed.names.processed)).flat().map((record) => originOf(record).topicId));
  expect([...ids]).toEqual([before, (await kafka.topic(feed.names.raw))?.id]);
  expect(await metrics.metrics()).toMatch(/log_restarts_total\{pipeline="default\/recreated",kind="recreated"\} [12]/);
});

test('a replay that sends records again is counted, not stored again', async () => {
  const feed = await feedOf('replayed');
  const position = (n: number) => ({ [REPLAY_POSITION_HEADER]: encodeReplayPosition({ run: 'r', ordinal: n }) });
  await append(feed, numbers(0, 100), position);
  await append(feed, numbers(60, 150), position);
  await start(feed);
  expect(await untilRead(feed, 190)).toMatchObject({ repeats: 40, rows: kept(numbers(0, 150)).length });
  const processed = (await recordsOf(feed.names.processed)).flat().map(numberOf);
  expect(processed.sort((a, b) => a - b)).toEqual(kept(numbers(0, 150)));
});

test('an offset that another tool committed does not make it skip records', async () => {
  const feed = await feedOf('foreign');
  await append(feed, numbers(0, 100));
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await kafka.commit(feed.names.processorGroup, feed.names.raw, partition, { offset: 30, metadata: '' });
  }
  await start(feed);
  await vi.waitFor(
    async () => expect(withoutRepeats(await recordsOf(feed.names.processed))).toEqual(kept(numbers(0, 100))),
    WAIT,
  );
  await untilRead(feed, 100);
});

test('a processed topic that is recreated gets all rows again, in raw order: some may not have been stored', async () => {
  const feed = await feedOf('emptied');
  const metrics = new Registry();
  await append(feed, numbers(0, 300));
  await start(feed, kafka, metrics);
  await untilRead(feed, 300);
  await kafka.deleteTopic(feed.names.processed);
  await append(feed, numbers(300, 350));
  await vi.waitFor(() => createTopic(feed.names.processed), WAIT);
  await append(feed, numbers(350, 400));
  await vi.waitFor(
    async () => expect(withoutRepeats(await recordsOf(feed.names.processed))).toEqual(kept(numbers(0, 400))),
    WAIT,
  );
  expect(await untilRead(feed, 400)).toMatchObject({ rows: kept(numbers(0, 400)).length, repeats: 0 });
  expect(await metrics.metrics()).toMatch(/log_restarts_total\{pipeline="default\/emptied",kind="processed_recreated"\} 2/);
});
