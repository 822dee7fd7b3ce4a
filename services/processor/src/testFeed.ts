/** For tests: the processor on a real Kafka, its input and what came of it. */
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka, KafkaRecord, OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { decodeOrigin, isAfter, type Origin } from '@millrace/core/record/origin.ts';
import { decodeProgress, freshProgress, type Progress } from '@millrace/core/record/progress.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { processor } from './role.ts';

export const PARTITIONS = 2;
const log = pino({ level: 'silent' });
export const WAIT = { timeout: 25_000, interval: 50 };

interface Stage {
  kafka: Kafka;
  source: Sender;
  stop(): Promise<void>;
}

export interface Feed {
  pipeline: Pipeline;
  names: PipelineNames;
}

/** Record n: each seventh is dropped, each fifth of the others is bad. */
function rawRecord(n: number, headers: Record<string, string> = {}): OutRecord {
  const isBad = n % 5 === 0 && n % 7 !== 0;
  return { key: Buffer.from('k'), value: Buffer.from(isBad ? `{"n":${n}` : JSON.stringify({ device: 'd', ts: n, n })), headers };
}

export const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
export const kept = (all: number[]): number[] => all.filter((n) => n % 7 !== 0 && n % 5 !== 0);
export const refused = (all: number[]): number[] => all.filter((n) => n % 7 !== 0 && n % 5 === 0);
export const dropped = (all: number[]): number[] => all.filter((n) => n % 7 === 0);

export const originOf = ({ headers }: KafkaRecord): Origin => decodeOrigin(headers.origin ?? Buffer.alloc(0));
export const numberOf = ({ value }: KafkaRecord): number => (JSON.parse(String(value)) as { n: number }).n;

/** What the sink keeps of each partition: what is not after the last origin is a repeat. */
export function withoutRepeats(partitions: KafkaRecord[][]): number[] {
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

/** A Kafka for the tests of a file; processors end with their test. */
export function useKafka() {
  let started: Stage | undefined;
  const workers = new Set<Worker>();
  const stage = (): Stage => {
    if (!started) throw new Error('Kafka starts before the first test');
    return started;
  };
  beforeAll(async () => {
    const server = await startKafka();
    const kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log });
    const stop = async (): Promise<void> => {
      await kafka.close();
      await server.stop();
    };
    started = { kafka, source: kafka.sender(), stop };
  }, 120_000);
  afterEach(async () => {
    await Promise.all([...workers].map((worker) => worker.stop()));
    workers.clear();
  });
  afterAll(() => started?.stop());

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
    await stage().kafka.createTopic({ name, partitions: PARTITIONS, config: { 'message.timestamp.type': 'LogAppendTime' } });
  }

  async function append({ names }: Feed, all: number[], headers?: (n: number) => Record<string, string>): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const records = all.filter((n) => n % PARTITIONS === partition).map((n) => rawRecord(n, headers?.(n)));
      if (records.length > 0) await stage().source.send(names.raw, partition, records);
    }
  }

  async function start({ pipeline }: Feed, through: Kafka = stage().kafka, metrics = new Registry()): Promise<Worker> {
    const worker = await processor.start(pipeline, {
      kafka: through,
      log,
      metrics,
      baseFolder: '/',
      database: undefined as never,
    });
    workers.add(worker);
    return worker;
  }

  async function stop(worker: Worker): Promise<void> {
    workers.delete(worker);
    await worker.stop();
  }

  async function recordsOf(topic: string): Promise<KafkaRecord[][]> {
    const bounds = await stage().kafka.bounds(topic);
    return Promise.all(
      bounds.map(({ start: from, end }, partition) => Array.fromAsync(stage().kafka.range(topic, partition, from, end))),
    );
  }

  /** Progress summed over the partitions, as committed. */
  async function committed({ names }: Feed): Promise<Progress> {
    const sum = freshProgress('', 'processed');
    for (const { metadata } of (await stage().kafka.committed(names.processorGroup, names.raw)).values()) {
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

  async function expectAll({ names }: Feed, all: number[]): Promise<void> {
    expect(withoutRepeats(await recordsOf(names.processed))).toEqual(kept(all));
    const refusals = (await recordsOf(names.dlq)).flat();
    const distinct = new Set(refusals.map(({ value }) => Number(/\d+/.exec(String(value))?.[0])));
    expect([...distinct].sort((a, b) => a - b)).toEqual(refused(all));
  }

  return {
    get kafka() {
      return stage().kafka;
    },
    feedOf,
    createTopic,
    append,
    start,
    stop,
    recordsOf,
    committed,
    untilRead,
    expectAll,
  };
}
