/** A Pipeline on real servers with its roles in this process: for the tests beside this file. */
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka, OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { decodeProgress } from '@millrace/core/record/progress.ts';
import type { Role, Worker } from '@millrace/core/role/role.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { startPostgres } from '@millrace/embedded/postgres.ts';
import { processor } from '@millrace/processor/role.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { sink } from '@millrace/sink/role.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';

const log = pino({ level: 'silent' });
const PARTITIONS = 2;
export const WAIT = { timeout: 60_000, interval: 50 };

export interface Servers {
  kafka: Kafka;
  database: Pool;
  source: Sender;
  stop(): Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const [broker, server] = await Promise.all([startKafka({ heapMegabytes: 128 }), startPostgres()]);
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'test', log });
  const database = connectDatabase({ url: server.url, applicationName: 'test', log });
  return {
    kafka,
    database,
    source: kafka.sender(),
    async stop() {
      await kafka.close();
      await database.end();
      await Promise.all([broker.stop(), server.stop()]);
    },
  };
}

export interface Feed {
  pipeline: Pipeline;
  names: PipelineNames;
  /** Sends raw records `from` to `to`, spread over the partitions. */
  send(from: number, to: number): Promise<void>;
  startRoles(...roles: Role[]): Promise<void>;
  stopRoles(): Promise<void>;
  /** Waits until all that was sent is stored, refused or dropped. */
  settled(): Promise<void>;
  /** Runs a statement on the Pipeline's table, which `ROWS` stands for. */
  sql(statement: string): Promise<void>;
}

export interface Stage {
  readonly servers: Servers;
  /** A feed whose roles end with its test. */
  feed(name: string, table?: Partial<Pipeline['spec']['table']>): Promise<Feed>;
}

/** Servers for the tests of a file. */
export function useServers(): Stage {
  let servers: Servers | undefined;
  const feeds: Feed[] = [];
  const started = (): Servers => {
    if (!servers) throw new Error('the servers start before the first test');
    return servers;
  };
  beforeAll(async () => {
    servers = await startServers();
  }, 120_000);
  afterEach(async () => {
    await Promise.all(feeds.splice(0).map((feed) => feed.stopRoles()));
  });
  afterAll(async () => {
    await servers?.stop();
  });
  return {
    get servers() {
      return started();
    },
    feed: async (name, table = {}) => {
      const made = await feedOf(started(), name, table);
      feeds.push(made);
      return made;
    },
  };
}

/** Each seventh record is dropped, each fifth of the others is bad, each eleventh of the rest the database refuses. */
export async function feedOf(
  { kafka, database, source }: Servers,
  name: string,
  table: Partial<Pipeline['spec']['table']> = {},
): Promise<Feed> {
  const pipeline: Pipeline = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source: { simulator: { seed: 1, devices: 1 } },
      topics: { partitions: PARTITIONS },
      record: {
        key: 'device',
        time: { field: 'ts', format: 'epoch_ms' },
        fields: { device: { type: 'text', required: true }, n: { type: 'int', required: true }, x: { type: 'float' } },
        where: [{ name: 'seventh', cel: 'n % 7 != 0' }],
      },
      table: { name, extra: true, ...table },
    },
  };
  const names = namesOf(pipeline);
  await setupPipeline(pipeline, { kafka, database, log });
  const tableName = `"default"."${name}"`;
  await database.query(`ALTER TABLE ${tableName} ADD CHECK (n % 11 <> 0)`);
  const workers: Worker[] = [];
  return {
    pipeline,
    names,
    async send(from, to) {
      const all = Array.from({ length: to - from }, (_, at) => from + at);
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const records = all.filter((n) => n % PARTITIONS === partition).map(rawRecord);
        if (records.length > 0) await source.send(names.raw, partition, records);
      }
    },
    async startRoles(...roles) {
      const context = { kafka, database, log, metrics: new Registry(), baseFolder: '/' };
      for (const role of roles) workers.push(await role.start(pipeline, context));
    },
    async stopRoles() {
      await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    },
    settled: () =>
      vi.waitFor(async () => {
        const committed = await kafka.committed(names.processorGroup, names.raw);
        const rawId = (await kafka.topic(names.raw))?.id;
        for (const [partition, { end }] of (await kafka.bounds(names.raw)).entries()) {
          if (end === 0) continue;
          expect(committed.get(partition)?.offset).toBe(end);
          expect(decodeProgress(committed.get(partition)?.metadata ?? '')?.topicId).toBe(rawId);
        }
        const { rows } = await database.query('SELECT partition, next_offset FROM millrace.positions WHERE pipeline = $1', [
          names.pipeline,
        ]);
        const next = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
        for (const [partition, { end }] of (await kafka.bounds(names.processed)).entries())
          expect(next.get(partition) ?? 0).toBe(end);
      }, WAIT),
    sql: async (statement) => void (await database.query(statement.replaceAll('ROWS', tableName))),
  };
}

export const ROLES = [processor, sink] as const;
export { processor, sink };

function rawRecord(n: number): OutRecord {
  const isBad = n % 5 === 0 && n % 7 !== 0;
  const text = JSON.stringify({
    device: `d${n % 3}`,
    ts: 1_700_000_000_000 + Math.floor(n / 10),
    n,
    x: n / 7,
    more: { n, text: 'é' },
  });
  return { key: Buffer.from('k'), value: Buffer.from(isBad ? text.slice(1) : text), headers: {} };
}
