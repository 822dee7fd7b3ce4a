import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka, OutRecord } from '@millrace/core/kafka/kafka.ts';
import { readRefusal, refusalId } from '@millrace/core/record/refusal.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sink } from './role.ts';
import { processedRecord, testPipeline } from './testPipeline.ts';
import { countsIn, ledgerOf, upTo } from './testSink.ts';

const log = pino({ level: 'silent' });
let broker: EmbeddedKafka;
let postgres: EmbeddedPostgres;
let kafka: Kafka;
let pool: Pool;

beforeAll(async () => {
  [broker, postgres] = await Promise.all([startKafka(), startPostgres()]);
  kafka = connectKafka({ brokers: broker.brokers, clientId: 'sink-test', log });
  pool = connectDatabase({ url: postgres.url, applicationName: 'sink test', max: 6, log });
}, 180_000);
afterAll(async () => {
  await kafka?.close();
  await pool?.end();
  await broker?.stop();
  await postgres?.stop();
});

async function newPipeline(name: string): Promise<Pipeline> {
  const pipeline = testPipeline(name);
  await setupPipeline(pipeline, { kafka, database: pool, log });
  return pipeline;
}

async function startSink(pipeline: Pipeline, metrics = new Registry()): Promise<Worker> {
  if (!sink.needsDatabase) throw new Error('the sink needs a database');
  return sink.start(pipeline, { kafka, database: pool, log, metrics, baseFolder: '/' });
}

/** Appends to the processed topic what a processor would: values of the column `count`, raw offset = value. */
async function append(pipeline: Pipeline, partition: number, counts: readonly (number | bigint)[]): Promise<void> {
  const sender = kafka.sender();
  const records = counts.map((count): OutRecord => {
    const { key, value, headers } = processedRecord(pipeline, {
      offset: Number(BigInt.asUintN(32, BigInt(count))),
      row: { count },
    });
    return { key, value, headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, text.toString()])) };
  });
  await sender.send(namesOf(pipeline).processed, partition, records);
  await sender.close();
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 25_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within 25 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const has = (pipeline: Pipeline, rows: number) => async (): Promise<boolean> => (await countsIn(pool, pipeline)).length >= rows;

test('rows of all partitions, the refused one in the dead-letter topic, the last row without a next message, roll-ups refreshed', async () => {
  const pipeline = await newPipeline('whole');
  const names = namesOf(pipeline);
  const worker = await startSink(pipeline);
  try {
    await append(pipeline, 0, [...upTo(100), (1n << 70n) + 100n]);
    await append(
      pipeline,
      1,
      upTo(50).map((i) => 1000 + i),
    );
    await until('150 rows', has(pipeline, 150));
    await append(pipeline, 1, [2000]);
    await until('the last row', has(pipeline, 151));
    expect(await ledgerOf(pool, pipeline)).toEqual({ stored: 151, refused: 1, repeats: 0, merged: 0, lost: 0 });
    const [dlq] = await kafka.bounds(names.dlq);
    const refusals = [];
    for await (const record of kafka.range(names.dlq, 0, 0, dlq?.end ?? 0)) refusals.push(readRefusal(record.headers));
    expect(refusals.map(refusalId)).toEqual(['raw0:0:100:0']);
    expect(refusals[0]).toMatchObject({ reason: '22003', topic: names.processed });
    await until(
      'committed offsets for lag displays',
      async () => (await kafka.committed(names.sinkGroup, names.processed)).get(1)?.offset === 51,
    );
    await until('the roll-up', async () => {
      const { rows } = await pool.query(`SELECT FROM "default".${names.table}_1h`);
      const { rowCount } = await pool.query('SELECT FROM millrace.touched WHERE pipeline = $1', [names.pipeline]);
      return rows.length > 0 && rowCount === 0;
    });
    expect(worker.health()).toEqual({ ready: true, phase: 'running', state: 'reading' });
  } finally {
    await worker.stop();
  }
});

test('what was stored is not stored again after a restart, and the repeats of a processor are dropped', async () => {
  const pipeline = await newPipeline('again');
  const first = await startSink(pipeline);
  await append(pipeline, 0, upTo(20));
  await until('20 rows', has(pipeline, 20));
  await first.stop();
  await append(pipeline, 0, upTo(30)); // a processor that lost its commit
  const second = await startSink(pipeline);
  try {
    await until('30 rows', has(pipeline, 30));
    expect(await countsIn(pool, pipeline)).toEqual(upTo(30));
    expect(await ledgerOf(pool, pipeline)).toMatchObject({ stored: 30, repeats: 20 });
  } finally {
    await second.stop();
  }
});

test('a recreated processed topic is read from its beginning, nothing is lost and nothing is twice', async () => {
  const pipeline = await newPipeline('anew');
  const names = namesOf(pipeline);
  const metrics = new Registry();
  const worker = await startSink(pipeline, metrics);
  try {
    await append(pipeline, 0, upTo(20));
    await until('20 rows', has(pipeline, 20));
    await kafka.deleteTopic(names.processed);
    await setupPipeline(pipeline, { kafka, database: pool, log });
    await append(pipeline, 0, upTo(40));
    await until('40 rows', has(pipeline, 40));
    expect(await countsIn(pool, pipeline)).toEqual(upTo(40));
    expect(await metrics.metrics()).toMatch(/millrace_sink_log_notices_total\{pipeline="default\/anew",kind="recreated"\} [12]/);
  } finally {
    await worker.stop();
  }
});

test('the database goes away under load: not ready with its reason, then all rows, each once', async () => {
  const pipeline = await newPipeline('away');
  const metrics = new Registry();
  const worker = await startSink(pipeline, metrics);
  try {
    await append(pipeline, 0, upTo(200));
    await append(
      pipeline,
      1,
      upTo(200).map((i) => 1000 + i),
    );
    postgres.kill('SIGKILL');
    await postgres.exited;
    await append(
      pipeline,
      0,
      upTo(100).map((i) => 200 + i),
    );
    await append(
      pipeline,
      1,
      upTo(100).map((i) => 1200 + i),
    );
    await until('not ready', () => !worker.health().ready);
    expect(worker.health().state).toMatch(/^paused: 2 of 2 partitions \(partition \d, connection\): /);
    expect(await metrics.metrics()).toMatch(/millrace_sink_paused_partitions\{pipeline="default\/away",reason="connection"\} 2/);
    await postgres.start();
    await until('600 rows', has(pipeline, 600));
    expect(await countsIn(pool, pipeline)).toEqual([...upTo(300), ...upTo(300).map((i) => 1000 + i)]);
    await until('ready', () => worker.health().ready);
    expect(await ledgerOf(pool, pipeline)).toMatchObject({ stored: 600, lost: 0 });
  } finally {
    await worker.stop();
  }
});
