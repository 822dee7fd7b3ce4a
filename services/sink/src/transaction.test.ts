import { connectDatabase } from '@millrace/core/database/connect.ts';
import { Reload } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { guardTest } from '@millrace/core/testing/guardTest.ts';
import { type FaultProxy, startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTables, testPipeline } from './testPipeline.ts';
import { batchOf, countsIn, good, ledgerOf, never, TOPIC, testSink, upTo } from './testSink.ts';

const log = pino({ level: 'silent' });
let postgres: EmbeddedPostgres;
let proxy: FaultProxy;
/** Past the proxy, and through it. */
let direct: Pool;
let proxied: Pool;
let made = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  const url = new URL(postgres.url);
  proxy = await startFaultProxy(url.host);
  direct = connectDatabase({ url: postgres.url, applicationName: 'test', max: 4, log });
  url.host = proxy.address;
  proxied = connectDatabase({ url: url.href, applicationName: 'sink test', max: 4, log });
});
afterEach(() => proxy.heal());
afterAll(async () => {
  await proxied?.end();
  await direct?.end();
  await proxy?.stop();
  await postgres?.stop();
});

async function newPipeline(): Promise<Pipeline> {
  made += 1;
  const pipeline = testPipeline(`x${made}`);
  await createTables(direct, pipeline);
  return pipeline;
}

const versionOf = async (pipeline: Pipeline): Promise<number> => {
  const { rows } = await direct.query('SELECT version FROM millrace.positions WHERE pipeline = $1 AND partition = 0', [
    namesOf(pipeline).pipeline,
  ]);
  return Number(rows[0].version);
};
const isCommit = (_answer: Buffer, request: Buffer): boolean => request.includes('COMMIT');

describe('a COMMIT whose answer never came', () => {
  test('it took place: found out by its writer, the sink goes on and nothing is stored twice', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, proxied);
    await sink.load(0, TOPIC, never);
    proxy.dropAnswers(isCommit);
    await sink.handle(batchOf(good(pipeline, 0, 5)));
    expect(proxy.dropped()).toBe(1);
    await proxy.heal();
    await sink.handle(batchOf(good(pipeline, 5, 8)));
    expect(await countsIn(direct, pipeline)).toEqual(upTo(8));
    expect(await ledgerOf(direct, pipeline)).toEqual({ stored: 8, refused: 0, repeats: 0, merged: 0, lost: 0 });
    expect(await versionOf(pipeline)).toBe(2);
    expect(await sink.metric('millrace_sink_rows_total', { result: 'stored' })).toBe(8);
  });

  test('it took place and the database cannot be asked: the partition waits and goes on behind it', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, proxied);
    await sink.load(0, TOPIC, never);
    proxy.dropAnswers((answer, request) => {
      if (!isCommit(answer, request)) return false;
      void proxy.refuse();
      return true;
    });
    await expect(sink.handle(batchOf(good(pipeline, 0, 5)))).rejects.toThrow();
    expect(sink.pauses().get(0)).toMatchObject({ reason: 'connection' });
    await proxy.heal();
    expect(await sink.load(0, TOPIC, never)).toMatchObject({ next: 5 });
    expect(sink.pauses().size).toBe(0);
    await sink.handle(batchOf(good(pipeline, 5, 8)));
    expect(await countsIn(direct, pipeline)).toEqual(upTo(8));
  });

  guardTest('it did not take place: the batch counts as stored only when it came again', {
    scenario: async () => {
      const pipeline = await newPipeline();
      const sink = testSink(pipeline, proxied);
      await sink.load(0, TOPIC, never);
      const blocker = await direct.connect();
      await blocker.query('BEGIN');
      await blocker.query('SELECT FROM millrace.positions WHERE pipeline = $1 FOR UPDATE', [namesOf(pipeline).pipeline]);
      const handled = sink.handle(batchOf(good(pipeline, 0, 5))).then(
        () => true,
        () => false,
      );
      const end = (): Promise<{ rowCount: number | null }> =>
        direct.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'sink test' AND wait_event_type = 'Lock'`);
      while ((await end()).rowCount === 0) await new Promise((resolve) => setImmediate(resolve));
      const isDone = await handled;
      await blocker.query('ROLLBACK');
      blocker.release();
      const before = await countsIn(direct, pipeline);
      const counted = await sink.metric('millrace_sink_rows_total', { result: 'stored' });
      const { next } = await sink.load(0, TOPIC, never);
      await sink.handle(batchOf(good(pipeline, 0, 5)));
      return { isDone, counted, before, next, after: await countsIn(direct, pipeline) };
    },
    right: { isDone: false, counted: 0, before: [], next: 0, after: upTo(5) },
    without: { 'commit-reread': { isDone: true, counted: 5, before: [], next: 0, after: upTo(5) } },
  });

  test('someone else moved the position before it could be asked: the partition is given up', async () => {
    const pipeline = await newPipeline();
    const [sink, other] = [testSink(pipeline, proxied), testSink(pipeline, direct)];
    await sink.load(0, TOPIC, never);
    await other.load(0, TOPIC, never);
    proxy.dropAnswers((answer, request) => {
      if (!isCommit(answer, request)) return false;
      void proxy.refuse();
      return true;
    });
    await other.handle(batchOf(good(pipeline, 0, 3)));
    await expect(sink.handle(batchOf(good(pipeline, 0, 5)))).rejects.toThrow();
    await proxy.heal();
    await sink.load(0, TOPIC, never);
    await sink.handle(batchOf(good(pipeline, 0, 5)));
    expect(await countsIn(direct, pipeline)).toEqual(upTo(5));
  });
});

test.each(['40001', '40P01'])('a transaction that lost against another (%s) is tried again at once', async (state) => {
  const pipeline = await newPipeline();
  const { table } = namesOf(pipeline);
  await direct.query(`CREATE SEQUENCE "default".attempts_${table};
    CREATE FUNCTION "default".lose_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('"default".attempts_${table}') <= 2 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '${state}'; END IF;
      RETURN NULL; END $$;
    CREATE TRIGGER lose AFTER INSERT ON "default".${table} EXECUTE FUNCTION "default".lose_${table}()`);
  const sink = testSink(pipeline, direct);
  await sink.load(0, TOPIC, never);
  await sink.handle(batchOf(good(pipeline, 0, 5)));
  expect(await countsIn(direct, pipeline)).toEqual(upTo(5));
  expect(sink.refusals).toEqual([]);
});

test('a sink that froze in the middle of a transaction does not hold up its successor, and stores nothing when it wakes', async () => {
  const pipeline = await newPipeline();
  const wake = Promise.withResolvers<void>();
  const frozen = testSink(pipeline, direct, () => wake.promise);
  const next = testSink(pipeline, direct);
  await frozen.load(0, TOPIC, never);
  await next.load(0, TOPIC, never);
  const records = good(pipeline, 0, 3);
  const foreign = { ...good(pipeline, 3, 4)[0], value: null } as (typeof records)[number];
  const handled = frozen.handle(batchOf([...records, foreign])); // stands in the dead-letter send, its rows copied
  const ended = expect(handled).rejects.toBeInstanceOf(Reload);
  await next.handle(batchOf(records));
  wake.resolve();
  await ended;
  expect(await countsIn(direct, pipeline)).toEqual(upTo(3));
});
