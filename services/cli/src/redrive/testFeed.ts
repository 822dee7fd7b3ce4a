/** For tests: a Pipeline on a real Kafka and a real database, with processor and sink in this process, fed record by record. */
import { audit } from '@millrace/audit/audit.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka, OutRecord } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { processor } from '@millrace/processor/role.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { sink } from '@millrace/sink/role.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect } from 'vitest';

const WAIT = { timeout: 60_000, interval: 100 };
const PARTITIONS = 2;

export interface TestServers {
  kafka: Kafka;
  database: Pool;
  /** For `millrace` in a process of its own. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

export async function startServers(): Promise<TestServers> {
  const log = pino({ level: 'silent' });
  const [broker, server]: [EmbeddedKafka, EmbeddedPostgres] = await Promise.all([startKafka(), startPostgres()]);
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'test', log });
  const database = connectDatabase({ url: server.url, applicationName: 'test', log });
  return {
    kafka,
    database,
    env: { MILLRACE_KAFKA: broker.brokers.join(','), MILLRACE_DATABASE: server.url },
    async stop() {
      await kafka.close();
      await database.end();
      await Promise.all([broker.stop(), server.stop()]);
    },
  };
}

/** `value` is at most 10; the corrected one takes up to 1000. */
export function pipelineOf(name: string, most = 10, spec: Partial<Pipeline['spec']> = {}): Pipeline {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source: { simulator: { seed: 1, devices: 1, rate: 1 } },
      topics: { partitions: PARTITIONS },
      record: {
        key: 'device',
        time: { field: 'ts', format: 'epoch_ms' },
        fields: {
          device: { type: 'text', required: true },
          n: { type: 'int', required: true },
          value: { type: 'int', max: most },
        },
      },
      table: { name: name.replaceAll('-', '_') },
      ...spec,
    },
  };
}

/** Raw JSON of record n: a good one, or with a value beyond 10. */
export const reading = (n: number, value = n % 10): object => ({ device: `d${n % 3}`, ts: 1_700_000_000_000 + n, n, value });

export class TestFeed {
  readonly names: PipelineNames;
  readonly #servers: TestServers;
  readonly #workers: Worker[] = [];

  constructor(servers: TestServers, name: string) {
    this.#servers = servers;
    this.names = namesOf(pipelineOf(name));
  }

  /** Sets up and starts both roles, anew where they run already. */
  async start(pipeline: Pipeline, processorDatabase = this.#servers.database): Promise<void> {
    await this.stop();
    const { kafka, database } = this.#servers;
    const log = pino({ level: 'silent' });
    await setupPipeline(pipeline, { kafka, database, log });
    const context = { kafka, database, log, metrics: new Registry(), baseFolder: '/' };
    const workers = [
      await processor.start(pipeline, { ...context, database: processorDatabase }),
      await sink.start(pipeline, context),
    ];
    this.#workers.push(...workers);
  }

  /** Of the processor. */
  processorHealth(): unknown {
    return this.#workers[0]?.health();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.stop()));
  }

  /** Appends to the raw topic, each third device to the other partition. */
  async append(values: readonly (object | Buffer)[], headers: Record<string, string> = {}): Promise<void> {
    const sender = this.#servers.kafka.sender();
    const records = values.map((value): OutRecord => {
      const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
      return { key: Buffer.from('key'), value: bytes, headers };
    });
    for (const [partition, part] of Map.groupBy(records.entries(), ([at]) => at % PARTITIONS)) {
      await sender.send(
        this.names.raw,
        partition,
        part.map(([, record]) => record),
      );
    }
    await sender.close();
  }

  /** Resolves when all that stands in the raw topic is stored, refused or dropped. */
  async settled(): Promise<void> {
    const { kafka, database } = this.#servers;
    await expect
      .poll(async () => {
        const committed = await kafka.committed(this.names.processorGroup, this.names.raw);
        const raw = (await kafka.bounds(this.names.raw)).map(
          ({ end }, partition) => end - (committed.get(partition)?.offset ?? 0),
        );
        const { rows } = await database.query<{ partition: number; next: string | null }>(
          'SELECT partition, next_offset AS next FROM millrace.positions WHERE pipeline = $1',
          [this.names.pipeline],
        );
        const next = new Map(rows.map((row) => [row.partition, Number(row.next)]));
        const processed = (await kafka.bounds(this.names.processed)).map(
          ({ end }, partition) => end - (next.get(partition) ?? 0),
        );
        return [...raw, ...processed].every((left) => left === 0);
      }, WAIT)
      .toBe(true);
  }

  /** `n` of the rows, in order; each as often as it is stored. */
  async stored(): Promise<number[]> {
    const { rows } = await this.#servers.database.query(`SELECT n FROM "default"."${this.names.table}" ORDER BY n`);
    return rows.map(({ n }) => Number(n));
  }

  /** Records in a topic. */
  async records(topic: string): Promise<number> {
    return (await this.#servers.kafka.bounds(topic)).reduce((sum, { end }) => sum + end, 0);
  }

  /** What the audit finds wrong: nothing where each raw record has one end, and topics and table are what was counted. */
  async audited(pipeline: Pipeline): Promise<unknown[]> {
    const { state, checks } = await audit(pipeline, this.#servers);
    return state === 'equal' ? [] : checks.flatMap(({ name, findings }) => findings.map((finding) => ({ name, ...finding })));
  }
}
