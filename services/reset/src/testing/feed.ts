/**
 * For tests: a Pipeline with a processor and a sink that run, and a feed into its raw topic that goes on until it is stopped.
 * Every record is known, so that what must be in the table under any rules can be said without Millrace's own code.
 */
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { processor } from '@millrace/processor/role.ts';
import { sink } from '@millrace/sink/role.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';

export const log = pino({ level: 'silent' });
export const PARTITIONS = 3;

export interface Platform {
  kafka: Kafka;
  database: Pool;
  brokers: string[];
  databaseUrl: string;
  stop(): Promise<void>;
}

export async function startServers(): Promise<Platform> {
  const [broker, server]: [EmbeddedKafka, EmbeddedPostgres] = await Promise.all([startKafka(), startPostgres()]);
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'reset-test', log });
  const database = connectDatabase({ url: server.url, applicationName: 'reset-test', log, max: 30 });
  const stop = async (): Promise<void> => {
    await kafka.close();
    await database.end();
    await Promise.all([broker.stop(), server.stop()]);
  };
  return { kafka, database, brokers: broker.brokers, databaseUrl: server.url, stop };
}

export interface Rules {
  /** value = raw * factor */
  factor: number;
  /** Larger raw values are refused. */
  max: number;
  table?: string;
  /** Type of the column `code`, which the feed sends as a number. */
  code?: 'int' | 'text';
  unique?: boolean;
  /** Whether the newest rows are in a topic, too. */
  topic?: boolean;
}

/** A Pipeline whose rows say by which rules they were made. */
export function pipelineOf(
  name: string,
  { factor, max, table = name.replaceAll('-', '_'), code = 'int', unique, topic }: Rules,
): Pipeline {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source: { http: { path: '/x', auth: { open: true } } } as unknown as Pipeline['spec']['source'],
      topics: { partitions: PARTITIONS },
      record: {
        key: 'device',
        time: { field: 't' },
        fields: {
          device: { type: 'text', required: true },
          raw: { type: 'float', max },
          code: { type: code },
        },
        derive: [{ name: 'value', type: 'float', cel: `raw * ${factor.toFixed(1)}` }],
      },
      table: {
        name: table,
        ...(unique ? { unique: { columns: ['device', 'time'] } } : {}),
        ...(topic ? { latest: { topic } } : {}),
      },
      rollups: [{ every: '1h', of: ['value'] }],
    },
  };
}

export interface Sent {
  n: number;
  t: string;
  device: string;
  raw: number;
}

export const START_MS = Date.UTC(2026, 0, 1);
/** Every tenth has this value and is refused by a `max` below it. */
export const LARGE = 500;

/** The n-th record: ten minutes apart, so that 6 make a bucket and 144 a day. */
export function recordOf(n: number): Sent {
  return { n, t: new Date(START_MS + n * 600_000).toISOString(), device: `d${n % 7}`, raw: n % 10 === 9 ? LARGE : (n % 50) / 4 };
}

export interface Feed {
  sent(): number;
  stop(): Promise<number>;
}

/** Sends records n, n+1 … until stopped. */
export async function send(kafka: Kafka, pipeline: Pipeline, from: number, to: number): Promise<void> {
  const sender = kafka.sender();
  try {
    for (let n = from; n < to; n += 300) await sendSome(sender, pipeline, n, Math.min(to, n + 300));
  } finally {
    await sender.close();
  }
}

export function startFeed(kafka: Kafka, pipeline: Pipeline, from: number): Feed {
  const sender = kafka.sender();
  let next = from;
  let stopped = false;
  const running = (async () => {
    for (; !stopped; next += 20) {
      await sendSome(sender, pipeline, next, next + 20);
      await new Promise((resolve) => setTimeout(resolve, 20)); // the feed's pace
    }
    await sender.close();
  })();
  return {
    sent: () => next,
    stop: async () => {
      stopped = true;
      await running;
      return next;
    },
  };
}

async function sendSome(sender: ReturnType<Kafka['sender']>, pipeline: Pipeline, from: number, to: number): Promise<void> {
  const records = Array.from({ length: to - from }, (_, i) => recordOf(from + i));
  for (const [partition, some] of Map.groupBy(records, ({ device }) => Number(device.slice(1)) % PARTITIONS))
    await sender.send(
      namesOf(pipeline).raw,
      partition,
      some.map(({ t, device, raw, n }) => ({
        key: Buffer.from(device),
        value: Buffer.from(JSON.stringify({ t, device, raw, code: n })),
        headers: { source: 'test' },
      })),
    );
}

/** Sends one record of its own. */
export async function sendOne(kafka: Kafka, pipeline: Pipeline, { t, device, raw, n }: Sent): Promise<void> {
  const sender = kafka.sender();
  try {
    const value = Buffer.from(JSON.stringify({ t, device, raw, code: n }));
    await sender.send(namesOf(pipeline).raw, 0, [{ key: Buffer.from(device), value, headers: { source: 'test' } }]);
  } finally {
    await sender.close();
  }
}

/** Runs the two roles of a Pipeline. */
export async function startRoles(
  pipeline: Pipeline,
  { kafka, database }: Platform,
): Promise<{ processor: Worker; sink: Worker; stop(): Promise<void> }> {
  const context = () => ({ kafka, database, log, metrics: new Registry(), baseFolder: '/' });
  const processing = await processor.start(pipeline, context());
  const storing = await sink.start(pipeline, context());
  return {
    processor: processing,
    sink: storing,
    stop: async () => {
      await processing.stop();
      await storing.stop();
    },
  };
}

/** The rows that the first `count` records give by these rules, as `rowsIn` shows them. */
export function expectedRows(count: number, { factor, max }: Rules): string[] {
  const rows: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const { t, device, raw } = recordOf(n);
    if (raw <= max) rows.push([Date.parse(t), device, raw, n, raw * factor].join('|'));
  }
  return rows.sort();
}

export async function rowsIn(database: Pool, table: string): Promise<string[]> {
  const { rows } = await database.query<{ row: string }>(
    `SELECT concat_ws('|', (extract(epoch FROM time) * 1e3)::bigint, device, raw, code, value) AS row FROM "default"."${table}"`,
  );
  return rows.map(({ row }) => row).sort();
}

/** Differences between roll-up and rows, and between newest rows and rows: none where all is right. */
export async function derivedDifferences(database: Pool, table: string): Promise<{ rollup: number; latest: number }> {
  const one = async (sql: string): Promise<number> =>
    Number((await database.query(`SELECT count(*) AS n FROM (${sql}) AS d`)).rows[0].n);
  return {
    rollup:
      await one(`SELECT * FROM (SELECT date_bin('1 hour', time, '2000-01-03Z') AS bucket, device, count(value) AS count, min(value), max(value)
        FROM "default"."${table}" GROUP BY 1, 2) AS rows FULL JOIN "default"."${table}_1h" AS rollup USING (bucket, device)
       WHERE (rows.count, rows.min, rows.max) IS DISTINCT FROM (value_count, value_min, value_max)`),
    latest: await one(
      `(SELECT DISTINCT ON (device) * FROM "default"."${table}" ORDER BY device, time DESC) EXCEPT SELECT * FROM "default"."${table}_latest"`,
    ),
  };
}
