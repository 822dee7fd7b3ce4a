/** For tests of sources that read again what is not in Kafka: a real Kafka, a folder for files, and what a producer did with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { producer } from '../role.ts';
import { createTopic, ordinalsOf, pipelineOf, recordsOf } from './pipeline.ts';

export const folder = mkdtempSync(join(tmpdir(), 'millrace-replay-'));
export let broker: EmbeddedKafka;
export let kafka: Kafka;
/** Of the producer that was started last. */
export let metrics: Registry;
let lines: { level: number; msg: string }[];
let running: Worker[] = [];
let names = 0;

/** Kafka for the tests of this file; producers end after each. */
export function withKafka(): void {
  beforeAll(async () => {
    broker = await startKafka({ heapMegabytes: 128 });
    kafka = connectKafka({ brokers: broker.brokers, clientId: 'test', log: pino({ level: 'silent' }) });
  });
  afterEach(async () => {
    await Promise.all(running.map((worker) => worker.stop()));
    running = [];
  });
  afterAll(async () => {
    await kafka?.close();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
}

export async function start(pipeline: Pipeline): Promise<Worker> {
  metrics = new Registry();
  lines = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  if (producer.needsDatabase) throw new Error('a producer has no database');
  const worker = await producer.start(pipeline, { kafka, log, metrics, baseFolder: folder });
  running.push(worker);
  return worker;
}

/** A Pipeline with topics of its own. */
export async function prepare(source: object, options?: Parameters<typeof pipelineOf>[2]): Promise<Pipeline> {
  const pipeline = pipelineOf(`test-${++names}`, source, options);
  await createTopic(kafka, pipeline);
  return pipeline;
}

export const raw = (pipeline: Pipeline): Promise<KafkaRecord[][]> => recordsOf(kafka, namesOf(pipeline).raw);

export function write(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return name;
}

/** Of the producer that was started last. */
export const warnings = (): string[] => lines.filter(({ level }) => level >= 40).map(({ msg }) => msg);

export const rows = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, at) => `${JSON.stringify({ device: `d${(from + at) % 17}`, value: from + at })}\n`).join('');

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** Every ordinal once, and in order within each partition. */
export function expectOnce(logs: readonly KafkaRecord[][], count: number): void {
  const ordinals = ordinalsOf(logs);
  for (const log of ordinals) expect(log).toEqual(log.toSorted((a, b) => a - b));
  expect(ordinals.flat().toSorted((a, b) => a - b)).toEqual(upTo(count));
}
