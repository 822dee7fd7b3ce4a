/**
 * What the scenarios run in: one real broker, one real database, and processors and sinks in this process, each run with a
 * Pipeline of its own. Records are numbers, so that what is missing and what is twice can be said.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase, type SessionTimeouts } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka, OutRecord, ReadOptions, Sender } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { processor } from '@millrace/processor/role.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { sink } from '@millrace/sink/role.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { drained } from '../observe.ts';
import { type Servers, startServers } from '../servers.ts';

const silent = pino({ level: 'silent' });
/** A net for what hangs. */
const WAIT = { timeout: 60_000, interval: 20 };

export interface World extends Pick<Servers, 'broker' | 'server' | 'disk'> {
  kafka: Kafka;
  database: Pool;
  folder: string;
  stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-scenarios-'));
  const servers = await startServers(folder, { smallDisk: true });
  const { broker, server, disk } = servers;
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'scenario', log: silent });
  const database = connectDatabase({ url: server.url, applicationName: 'scenario', log: silent });
  return {
    broker,
    server,
    disk,
    kafka,
    database,
    folder,
    stop: async () => {
      await kafka.close();
      await database.end();
      await servers.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Outcome {
  missing: number[];
  twice: number[];
}

export interface Feed {
  pipeline: Pipeline;
  names: PipelineNames;
  metrics: Registry;
  /** Makes topics and tables where they are missing. */
  setup(partitions?: number): Promise<void>;
  append(numbers: readonly number[], partition?: number, headers?: (n: number) => Record<string, string>): Promise<void>;
  /** Appends one record that no rule takes. */
  appendBad(): Promise<void>;
  processor(through?: Partial<Kafka>, pipeline?: Pipeline): Promise<Worker>;
  sink(through?: { kafka?: Partial<Kafka>; database?: Pool }): Promise<Worker>;
  stop(worker: Worker): Promise<void>;
  /** Stops all that still run. */
  stopAll(): Promise<void>;
  /** Resolves when all that is in the topics was read and stored. */
  drained(): Promise<void>;
  /** Numbers in the table, in order. */
  rows(): Promise<number[]>;
  outcome(all: readonly number[]): Promise<Outcome>;
  /** Sums over the ledger of this Pipeline. */
  ledger(column: string): Promise<number>;
  metric(name: string): Promise<number>;
  /** How many lines of its roles' logs, from warnings on, hold this. */
  logged(pattern: RegExp): number;
}

/** Runs with a Pipeline of its own, and ends what it started. */
export async function withFeed<T>(world: World, name: string, run: (feed: Feed) => Promise<T>, partitions = 1): Promise<T> {
  const { kafka, database } = world;
  const pipeline = pipelineOf(name, partitions);
  const names = namesOf(pipeline);
  const metrics = new Registry();
  const source = kafka.sender();
  const workers = new Set<Worker>();
  const kept = (worker: Worker): Worker => {
    workers.add(worker);
    return worker;
  };
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
  const context = { log, metrics, baseFolder: '/' };
  const rows = async (): Promise<number[]> => {
    const found = await database.query<{ n: string }>(`select n from "default".${names.table} order by n`);
    return found.rows.map(({ n }) => Number(n));
  };
  const stopAll = async (): Promise<void> => {
    const running = [...workers];
    workers.clear();
    await Promise.all(running.map((worker) => worker.stop()));
  };
  const feed: Feed = {
    pipeline,
    names,
    metrics,
    setup: async (count = partitions) => {
      await setupPipeline(pipelineOf(name, count), { kafka, database, log: silent });
    },
    append: async (numbers, partition = 0, headers = () => ({})) => {
      await source.send(
        names.raw,
        partition,
        numbers.map((n) => rawRecord(JSON.stringify({ device: 'd', ts: START_MS + n, n }), headers(n))),
      );
    },
    appendBad: async () => {
      await source.send(names.raw, 0, [rawRecord('no JSON', {})]);
    },
    processor: async (through = {}, spec = pipeline) => {
      return kept(await processor.start(spec, { ...context, kafka: { ...kafka, ...through } }));
    },
    sink: async (through = {}) => {
      if (!sink.needsDatabase) throw new Error('the sink has a database');
      const parts = { kafka: { ...kafka, ...through.kafka }, database: through.database ?? database };
      return kept(await sink.start(pipeline, { ...context, ...parts }));
    },
    stop: async (worker) => {
      workers.delete(worker);
      await worker.stop();
    },
    drained: async () => {
      await expect.poll(() => drained(names, kafka, database), WAIT).toBe('all stored');
    },
    stopAll,
    rows,
    outcome: async (all) => {
      const stored = await rows();
      const found = new Set(stored);
      return { missing: all.filter((n) => !found.has(n)), twice: stored.filter((n, at) => stored[at - 1] === n) };
    },
    ledger: async (column) => {
      const sql = `select coalesce(sum(${column}), 0)::int as n from millrace.ledger where pipeline = $1`;
      const found = await database.query<{ n: number }>(sql, [names.pipeline]);
      return found.rows[0]?.n ?? 0;
    },
    logged: (pattern) => lines.filter((line) => pattern.test(line)).length,
    metric: async (name) => {
      const found = await metrics.getSingleMetric(name)?.get();
      return (found?.values ?? []).reduce((sum, { value }) => sum + value, 0);
    },
  };
  try {
    await feed.setup();
    return await run(feed);
  } finally {
    await stopAll();
    await source.close();
  }
}

function pipelineOf(name: string, partitions: number): Pipeline {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source: { simulator: { seed: 1, devices: 1 } },
      topics: { partitions },
      record: {
        key: 'device',
        time: { field: 'ts', format: 'epoch_ms' },
        fields: { device: { type: 'text', required: true }, n: { type: 'int', required: true } },
      },
      table: { name: name.replaceAll('-', '_') },
    },
  };
}

const START_MS = 1_700_000_000_000;

function rawRecord(value: string, headers: Record<string, string>): OutRecord {
  return { key: Buffer.from('d'), value: Buffer.from(value), headers };
}

/** Whole numbers from `from` to before `to`. */
export const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

/** Waits for a condition that the scenario leads to. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(isSo, { ...WAIT, message: what }).toBe(true);
}

/** Reading with a handler in between. */
export function handling(
  kafka: Kafka,
  handle: (batch: Parameters<ReadOptions['handle']>[0], next: ReadOptions['handle']) => Promise<void>,
): Pick<Kafka, 'read'> {
  return { read: (options) => kafka.read({ ...options, handle: (batch) => handle(batch, options.handle) }) };
}

/** A sender with something in between. */
export function sending(kafka: Kafka, send: (next: Sender['send']) => Sender['send']): Pick<Kafka, 'sender'> {
  return {
    sender: () => {
      const sender = kafka.sender();
      return { close: () => sender.close(), send: send((...args) => sender.send(...args)) };
    },
  };
}

/** Another pool, for a role whose sessions a scenario treats apart. */
export function poolOf(url: string, name: string, timeouts?: SessionTimeouts): Pool {
  return connectDatabase({ url, applicationName: name, max: 4, log: silent, ...(timeouts ? { timeouts } : {}) });
}
