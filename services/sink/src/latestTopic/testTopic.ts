/** A real Kafka and a real database, Pipelines with a topic of newest rows, and how topic and table differ: for the tests beside this file. */
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { list, table } from '@millrace/core/database/identifier.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { kafkaConversation } from '@millrace/embedded/answers.ts';
import { type FaultProxy, startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { startPostgres } from '@millrace/embedded/postgres.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, vi } from 'vitest';
import { sinkMetrics } from '../metrics.ts';
import { testPipeline } from '../testPipeline.ts';
import { type LatestTopic, latestTopic } from './task.ts';

export const log = pino({ level: process.env.LOG ?? 'silent' });
export const WAIT = { timeout: 60_000, interval: 100 };

export interface Stage {
  kafka: Kafka;
  /** The same cluster behind the proxy. */
  proxied: Kafka;
  proxy: FaultProxy;
  pool: Pool;
  /** Set up. */
  pipeline(name: string, spec?: Partial<Pipeline['spec']['table']>): Promise<Pipeline>;
  /** What a sink does for the topic, without its rows and its timer; looks at the topic each time. */
  sender(pipeline: Pipeline, kafka?: Kafka): LatestTopic;
  stop(): Promise<void>;
}

export const never = new AbortController().signal;

/** Sends until nothing is left, over failures. */
export async function sendAll({ task }: LatestTopic): Promise<void> {
  for (let failures = 0; ; ) {
    try {
      if (!(await task.run(never))) return;
    } catch (error) {
      if (++failures > 5) throw error;
    }
  }
}

export async function startStage(): Promise<Stage> {
  const [own, seen] = (await freePorts(2)) as [number, number];
  const [broker, postgres] = await Promise.all([startKafka({ proxied: [{ port: own, as: seen }] }), startPostgres()]);
  const proxy = await startFaultProxy(`127.0.0.1:${own}`, seen, kafkaConversation);
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'latest-test', log });
  const proxied = connectKafka({ brokers: [proxy.address], clientId: 'latest-proxied', log });
  const pool = connectDatabase({ url: postgres.url, applicationName: 'latest test', max: 12, log });
  const senders: LatestTopic[] = [];
  return {
    kafka,
    proxied,
    proxy,
    pool,
    async pipeline(name, spec = {}) {
      const pipeline = testPipeline(name, { latest: { by: ['device', 'ok'], of: ['temperature'], topic: true }, ...spec });
      await setupPipeline(pipeline, { kafka, database: pool, log });
      return pipeline;
    },
    sender(pipeline, by = kafka) {
      const options = { database: pool, metrics: sinkMetrics(new Registry()), log, isSender: () => true, lookEveryMs: 0 };
      const sender = latestTopic(pipeline, { kafka: by, ...options });
      if (sender === null) throw new Error('the spec asks for no topic');
      senders.push(sender);
      return sender;
    },
    async stop() {
      await Promise.all(senders.map((sender) => sender.close()));
      await Promise.all([kafka.close(), proxied.close(), pool.end()]);
      await proxy.stop();
      await Promise.all([broker.stop(), postgres.stop()]);
    },
  };
}

type Servers = Pick<Stage, 'kafka' | 'pool'>;

/** The last value of each key, deletions left out. */
export async function topicOf({ kafka }: Pick<Stage, 'kafka'>, pipeline: Pipeline): Promise<Map<string, string>> {
  const { latest } = namesOf(pipeline);
  const last = new Map<string, string>();
  for (const [partition, { start, end }] of (await kafka.bounds(latest)).entries())
    for await (const { key, value } of kafka.range(latest, partition, start, end)) {
      if (value === null) last.delete(String(key));
      else last.set(String(key), String(value));
    }
  return last;
}

/** Rows that only one of topic and table has, as the database compares them. */
export async function differences({ kafka, pool }: Servers, pipeline: Pipeline): Promise<unknown[]> {
  const { schema, latestTable } = namesOf(pipeline);
  const name = table(schema, latestTable);
  const columns = list(columnsOf(pipeline).map((column) => column.name));
  const { rows } = await pool.query(
    `WITH topic AS (SELECT ${columns} FROM jsonb_populate_recordset(NULL::${name}, $1::jsonb)),
          kept AS (SELECT ${columns} FROM ${name})
     (SELECT 'topic' AS side, * FROM (SELECT * FROM topic EXCEPT ALL SELECT * FROM kept) AS a)
     UNION ALL (SELECT 'table' AS side, * FROM (SELECT * FROM kept EXCEPT ALL SELECT * FROM topic) AS b)`,
    [`[${[...(await topicOf({ kafka }, pipeline)).values()].join(',')}]`],
  );
  return rows;
}

/** How many combinations wait. */
export async function unsentOf({ pool }: Pick<Stage, 'pool'>, pipeline: Pipeline): Promise<number> {
  const { rows } = await pool.query('SELECT count(*) AS marks FROM millrace.latest_unsent WHERE pipeline = $1', [
    namesOf(pipeline).pipeline,
  ]);
  return Number(rows[0].marks);
}

export async function rowsOf({ pool }: Pick<Stage, 'pool'>, pipeline: Pipeline): Promise<number> {
  const { schema, table: name } = namesOf(pipeline);
  return Number((await pool.query(`SELECT count(*) AS rows FROM ${table(schema, name)}`)).rows[0].rows);
}

/** Waits until so many rows are stored, nothing waits for the topic, and it equals the table. */
export async function untilEqual(servers: Servers, pipeline: Pipeline, rows: number): Promise<void> {
  await vi.waitFor(async () => expect(await rowsOf(servers, pipeline)).toBe(rows), WAIT);
  await vi.waitFor(
    async () => expect([await unsentOf(servers, pipeline), await differences(servers, pipeline)]).toEqual([0, []]),
    WAIT,
  );
}
