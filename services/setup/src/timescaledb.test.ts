/**
 * Set-up against a real TimescaleDB, compiled to WebAssembly: one connection, no background jobs, so that policies are run by
 * hand. Only SQL is tested here; two at a time are tested with PostgreSQL.
 */
import type { Pipeline, PipelineSpec } from '@millrace/core/spec/pipeline.ts';
import { startTimescaledb, type Timescaledb } from '@millrace/embedded/testing/timescaledb.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelOf } from './model.ts';
import { refreshIn } from './rollups/refresh.ts';
import { setupDatabase } from './setup.ts';
import { testPipeline } from './testing.ts';
import { wantedTopics } from './topics.ts';

const DAY = 86_400_000;
let session: Timescaledb;
beforeAll(async () => {
  session = await startTimescaledb();
});
afterAll(async () => {
  await session?.close();
});

const setup = (pipeline: Pipeline) => setupDatabase(session, modelOf(pipeline), wantedTopics(pipeline, null));
const rowsOf = async (sql: string, values: unknown[] = []) => (await session.query(sql, values)).rows;

/** Jobs of a table or continuous aggregate; versions differ in whether they name the aggregate or its hypertable. */
const jobsOf = (relation: string) =>
  rowsOf(
    `SELECT job_id, proc_name, schedule_interval::text AS every, config - 'hypertable_id' - 'mat_hypertable_id' AS config
       FROM timescaledb_information.jobs
      WHERE hypertable_name IN (SELECT $1 UNION ALL
        SELECT materialization_hypertable_name FROM timescaledb_information.continuous_aggregates WHERE view_name = $1)`,
    [relation],
  );

/** Policies of a table or continuous aggregate: what they do, with what, how often. */
async function policies(relation: string): Promise<Record<string, unknown>> {
  const jobs = await jobsOf(relation);
  return Object.fromEntries(jobs.map(({ proc_name, every, config }) => [proc_name, { every, ...(config as object) }]));
}

async function runRefresh(view: string): Promise<void> {
  const job = (await jobsOf(view)).find(({ proc_name }) => proc_name === 'policy_refresh_continuous_aggregate');
  await session.query(`CALL public.run_job(${Number(job?.job_id)})`);
}

describe('with TimescaleDB', () => {
  const pipeline = testPipeline('cars', {
    table: { name: 'order', retain: '30d', compress: { after: '7d', by: 'group' }, chunk: '12h' },
  });
  pipeline.spec.rollups = [{ every: '1h', by: ['group'], of: ['select', 'n'], retain: '365d' }];

  test('there is a hypertable with chunks, compression and retention, and a continuous aggregate inside of it', async () => {
    const { server, changes } = await setup(pipeline);
    expect(server).toEqual({ kind: 'timescaledb', schema: 'public' });
    expect(changes).toContain('made table default.order a hypertable');
    expect(
      await rowsOf(`SELECT time_interval::text FROM timescaledb_information.dimensions WHERE hypertable_name = 'order'`),
    ).toEqual([{ time_interval: '12:00:00' }]);
    expect(await policies('order')).toEqual({
      policy_retention: { every: '1 day', drop_after: '720:00:00' },
      policy_compression: expect.objectContaining({ compress_after: '168:00:00' }),
    });
    expect(await policies('order_1h')).toEqual({
      policy_refresh_continuous_aggregate: {
        every: '00:05:00',
        start_offset: '720:00:00',
        end_offset: '01:00:00',
        buckets_per_batch: 12,
        max_batches_per_execution: 0,
      },
      policy_retention: { every: '1 day', drop_after: '8760:00:00' },
    });
    expect(
      await rowsOf(`SELECT materialized_only FROM timescaledb_information.continuous_aggregates WHERE view_name = 'order_1h'`),
    ).toEqual([{ materialized_only: false }]);
  });

  test('the roll-up has the columns that it has without TimescaleDB', async () => {
    const rows = await rowsOf(
      `SELECT attname AS name, atttypid::regtype::text AS type FROM pg_attribute WHERE attrelid = '"default".order_1h'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    const [rollup] = modelOf(pipeline).rollups;
    const spelling: Record<string, string> = { timestamptz: 'timestamp with time zone' };
    expect(rows).toEqual(rollup?.columns.map(({ name, type }) => ({ name, type: spelling[type] ?? type })));
  });

  test('a second time changes nothing', async () => {
    expect((await setup(pipeline)).changes).toEqual([]);
  });

  test('other times change the policies, a new column is added, and no more is done', async () => {
    const table = { name: 'order', retain: '60d', chunk: '6h' };
    const record = { ...pipeline.spec.record, fields: { ...pipeline.spec.record.fields, weight: { type: 'float' as const } } };
    const changed = { ...pipeline, spec: { ...pipeline.spec, table, record } };
    expect((await setup(changed)).changes).toEqual([
      'added column weight to table default.order',
      'new chunks of default.order span 21600 s',
      'added column weight to table default.order_latest',
      'changed the refresh policy of default.order_1h', // a batch is a chunk
      'changed the retention policy of default.order',
      'removed the compression policy of default.order',
    ]);
    expect(await policies('order')).toEqual({ policy_retention: { every: '1 day', drop_after: '1440:00:00' } });
    expect((await setup(changed)).changes).toEqual([]);
  });

  test('other columns of a roll-up are refused', async () => {
    const record = { ...pipeline.spec.record, fields: { ...pipeline.spec.record.fields, weight: { type: 'float' as const } } };
    const changed = { ...pipeline, spec: { ...pipeline.spec, record, rollups: [{ every: '1h', of: ['select'] }] } };
    await expect(setup(changed)).rejects.toThrow(/^The roll-up default.order_1h is a view of bucket/);
  });
});

describe('a continuous aggregate', () => {
  const spec: Partial<PipelineSpec> = { table: { name: 'rolled', retain: '30d', compress: { after: '7d' } } };
  const pipeline = testPipeline('rolled', spec);
  const insert = (daysAgo: number, select: number, group: string | null = 'x') =>
    session.query(`INSERT INTO "default".rolled (time, "order", "group", "select", n) VALUES ($1, 'a', $2, $3, 1)`, [
      new Date(Date.now() - daysAgo * DAY).toISOString(),
      group,
      select,
    ]);
  const same = async () => {
    const is = await rowsOf(
      `SELECT bucket, "group", select_avg, select_count, select_stddev FROM "default".rolled_1h ORDER BY 1, 2`,
    );
    const should = await rowsOf(
      `SELECT date_trunc('hour', time) AS bucket, "group", avg("select") AS select_avg, count("select") AS select_count,
              stddev_samp("select") AS select_stddev FROM "default".rolled GROUP BY 1, 2 ORDER BY 1, 2`,
    );
    expect(is).toEqual(should);
    return is.length;
  };

  test('is right for new rows at once, for late rows after the policy ran, also in compressed chunks', async () => {
    await setup(pipeline);
    for (const daysAgo of [20, 10, 3, 0]) await insert(daysAgo, daysAgo);
    expect(await same()).toBe(4);
    await runRefresh('rolled_1h');
    await session.query(
      `SELECT public.compress_chunk(c) FROM public.show_chunks('"default".rolled'::regclass, older_than => interval '7 days') AS c`,
    );
    await insert(20, 100);
    await insert(15, 5, null);
    await insert(0, 8);
    await runRefresh('rolled_1h');
    expect(await same()).toBeGreaterThanOrEqual(5);
  });

  test('keeps its buckets where the rows were retained away', async () => {
    const count = async () => Number((await rowsOf('SELECT count(*) AS n FROM "default".rolled_1h'))[0]?.n);
    const before = await count();
    expect(await same()).toBe(before);
    const retaining = (retain: string) => testPipeline('rolled', { ...spec, table: { name: 'rolled', retain } });
    await setup(retaining('12d'));
    const dropped = await rowsOf(`SELECT public.drop_chunks('"default".rolled'::regclass, older_than => interval '12 days')`);
    expect(dropped.length).toBeGreaterThan(1);
    await runRefresh('rolled_1h');
    expect(await count()).toBe(before);
    // Kept longer from now on: the rows of before do not come back, so their buckets must stay.
    await setup(retaining('60d'));
    await runRefresh('rolled_1h');
    expect(await count()).toBe(before);
    expect((await setup(retaining('60d'))).changes).toEqual([]);
  });

  test('looks further back from day to day where more is retained than before, until it looks at all of it', async () => {
    const retaining = (retain: string) => testPipeline('raised', { table: { name: 'raised', retain } });
    const offsets = async (retain: string) => {
      const { changes } = await setup(retaining(retain));
      const { policy_refresh_continuous_aggregate: found } = await policies('raised_1h');
      return [(found as { start_offset: string }).start_offset, changes.filter((change) => change.includes('refresh'))];
    };
    const days = (count: number) =>
      session.query(`UPDATE millrace.horizons SET edge = edge - make_interval(days => $1) WHERE pipeline = 'default/raised'`, [
        count,
      ]);
    const changed = ['changed the refresh policy of default.raised_1h'];
    expect(await offsets('36h')).toEqual(['36:00:00', ['added the refresh policy of default.raised_1h']]);
    expect(await offsets('10d')).toEqual(['36:00:00', []]);
    await days(3);
    expect(await offsets('10d')).toEqual(['96:00:00', changed]);
    expect(await offsets('10d')).toEqual(['96:00:00', []]);
    await days(30);
    expect(await offsets('10d')).toEqual(['240:00:00', changed]);
    expect(await offsets('5d')).toEqual(['120:00:00', changed]);
  });

  test('touched buckets are only removed: the policy knows better', async () => {
    await session.query(`INSERT INTO millrace.touched (pipeline, rollup, bucket) VALUES ('default/rolled', 'rolled_1h', now())`);
    expect(await refreshIn(session, pipeline, 'timescaledb')).toEqual({ refreshed: 0, remaining: 0 });
    expect(await rowsOf('SELECT FROM millrace.touched')).toEqual([]);
  });
});

test('one row per combination holds on a hypertable, also with NULL and in compressed chunks', async () => {
  const table = { name: 'uniq', unique: { columns: ['order', 'group', 'time'] }, compress: { after: '7d' } };
  const pipeline = testPipeline('uniq', { table, rollups: [] });
  await setup(pipeline);
  expect((await setup(pipeline)).changes).toEqual([]);
  const insert = (group: string | null) =>
    session.query(
      `INSERT INTO "default".uniq (time, "order", "group", n, _appended_ms) VALUES ('2026-01-01Z', 'a', $1, 1, 1)
         ON CONFLICT ("order", "group", time) DO UPDATE SET n = "default".uniq.n + 1`,
      [group],
    );
  for (const group of [null, 'x', null]) await insert(group);
  await session.query(`SELECT public.compress_chunk(c) FROM public.show_chunks('"default".uniq'::regclass) AS c`);
  for (const group of [null, 'x']) await insert(group);
  expect(await rowsOf('SELECT "group", n::int AS n FROM "default".uniq ORDER BY 1')).toEqual([
    { group: 'x', n: 2 },
    { group: null, n: 3 },
  ]);
});

test('a table that was made without TimescaleDB stays a plain table', async () => {
  await session.query(
    `CREATE TABLE "default".plain (time timestamptz NOT NULL, "order" text NOT NULL, "select" float8, "group" text, n bigint)`,
  );
  const { server } = await setup(testPipeline('plain'));
  expect(server).toEqual({
    kind: 'postgresql',
    missing: 'the table default.plain was made as a plain table; for a hypertable set spec.table.name to a new one',
  });
  expect(await rowsOf(`SELECT relkind FROM pg_class WHERE oid = '"default".plain_1h'::regclass`)).toEqual([{ relkind: 'r' }]);
});
