import { connectDatabase } from '@millrace/core/database/connect.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { bucketStartMs } from '@millrace/core/table/rollup.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Session, withSession } from '../session.ts';
import { setupPipeline } from '../setup.ts';
import { memoryKafka, memoryLog, testPipeline } from '../testing.ts';
import { maintenanceLock, refreshIn, refreshTouched } from './refresh.ts';
import { edgeMs, enforceRetention } from './retention.ts';

const HOUR = 3_600_000;
let postgres: EmbeddedPostgres;
let pool: Pool;
beforeAll(async () => {
  postgres = await startPostgres();
  pool = connectDatabase({ url: postgres.url, applicationName: 'refresh.test', log: memoryLog().log });
});
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

const setup = (pipeline: Pipeline) =>
  setupPipeline(pipeline, { kafka: memoryKafka().kafka, database: pool, log: memoryLog().log });

interface Reading {
  time: string;
  group: string | null;
  select: number | null;
}

/** Stores rows and their touched buckets in one transaction, as the sink does. */
async function store(name: string, rows: Reading[], client: Pick<Pool, 'query'> = pool): Promise<void> {
  await client.query(
    `WITH rows AS (INSERT INTO "default"."${name}" (time, "order", "group", "select", n)
                   SELECT t, 'a', g, s, 1 FROM unnest($1::timestamptz[], $2::text[], $3::float8[]) AS r (t, g, s) RETURNING time)
     INSERT INTO millrace.touched (pipeline, rollup, bucket)
     SELECT DISTINCT $4, $5, date_trunc('hour', time) FROM rows`,
    [
      rows.map(({ time }) => time),
      rows.map(({ group }) => group),
      rows.map(({ select }) => select),
      `default/${name}`,
      `${name}_1h`,
    ],
  );
}

const STATISTICS = `avg("select") AS select_avg, min("select") AS select_min, max("select") AS select_max,
  count("select") AS select_count, stddev_samp("select") AS select_stddev`;

/** What the roll-up holds, and what it should hold by the rows. */
async function compared(name: string): Promise<{ is: unknown[]; should: unknown[] }> {
  const is = await pool.query(
    `SELECT bucket, "group", select_avg, select_min, select_max, select_count, select_stddev FROM "default"."${name}_1h" ORDER BY 1, 2`,
  );
  const should = await pool.query(
    `SELECT date_trunc('hour', time) AS bucket, "group", ${STATISTICS} FROM "default"."${name}" GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  return { is: is.rows, should: should.rows };
}

async function refreshAll(pipeline: Pipeline): Promise<number> {
  let all = 0;
  for (;;) {
    const { refreshed, remaining } = await refreshTouched(pool, pipeline, 'postgresql');
    all += refreshed;
    if (remaining === 0) return all;
  }
}

const touchedLeft = async (name: string): Promise<number> =>
  (await pool.query('SELECT FROM millrace.touched WHERE pipeline = $1', [`default/${name}`])).rowCount ?? -1;

describe('a roll-up without TimescaleDB', () => {
  const forEver = (name: string) => testPipeline(name, { table: { name } });

  test('is right for late and historical rows, NULLs and single rows', async () => {
    const pipeline = forEver('late');
    await setup(pipeline);
    await store('late', [
      { time: '2026-03-01T10:59:59.999999Z', group: 'x', select: 1 },
      { time: '2026-03-01T11:00:00Z', group: 'x', select: 2 },
      { time: '2026-03-01T11:59:00Z', group: 'x', select: 4 },
      { time: '2026-03-01T11:30:00Z', group: null, select: 5 },
      { time: '2026-03-01T11:30:00Z', group: null, select: null },
    ]);
    expect(await refreshAll(pipeline)).toBe(2);
    const first = await compared('late');
    expect(first.is).toEqual(first.should);
    expect(first.is).toContainEqual({
      bucket: new Date('2026-03-01T11:00:00Z'),
      group: null,
      select_avg: 5,
      select_min: 5,
      select_max: 5,
      select_count: '1',
      select_stddev: null,
    });
    await store('late', [
      { time: '2026-03-01T10:00:00Z', group: 'x', select: 100 },
      { time: '1994-06-01T10:00:00Z', group: null, select: 7 },
      { time: '12026-06-01 10:00:00Z', group: null, select: 8 },
      { time: '0044-03-15 10:00:00Z BC', group: null, select: 9 },
    ]);
    expect((await compared('late')).is).toEqual(first.is);
    expect(await refreshAll(pipeline)).toBe(4);
    const second = await compared('late');
    expect(second.is).toEqual(second.should);
    expect(await touchedLeft('late')).toBe(0);
  });

  test('rows that are committed while a bucket is made anew are not forgotten', async () => {
    const pipeline = forEver('slow');
    await setup(pipeline);
    const client = await pool.connect();
    await client.query('BEGIN');
    await store('slow', [{ time: '2026-03-01T10:00:00Z', group: 'x', select: 1 }], client);
    await store('slow', [{ time: '2026-03-01T10:01:00Z', group: 'x', select: 2 }]);
    await refreshAll(pipeline); // the later id, which was committed first
    await client.query('COMMIT');
    client.release();
    expect(await touchedLeft('slow')).toBe(1);
    await refreshAll(pipeline);
    const { is, should } = await compared('slow');
    expect(is).toEqual(should);
  });

  test('rows that come between two of its statements are not forgotten', async () => {
    const pipeline = forEver('between');
    await setup(pipeline);
    const at = (minute: number, select: number) =>
      store('between', [{ time: `2026-03-01T10:${minute}:00Z`, group: 'x', select }]);
    await at(10, 1);
    await withSession(pool, 30_000, async (session) => {
      const query: Session['query'] = async (text, values) => {
        const result = await session.query(text, values);
        if (text.includes('INSERT INTO')) await at(11, 2);
        return result;
      };
      expect(await refreshIn({ query }, pipeline, 'postgresql')).toEqual({ refreshed: 1, remaining: 1 });
    });
    await refreshAll(pipeline);
    const { is, should } = await compared('between');
    expect(is).toEqual(should);
  });

  test('a group that is gone from the rows goes from the roll-up', async () => {
    const pipeline = forEver('gone');
    await setup(pipeline);
    await store('gone', [{ time: '2026-03-01T10:00:00Z', group: 'x', select: 1 }]);
    await refreshAll(pipeline);
    await pool.query(`UPDATE "default".gone SET "group" = 'y'`);
    await pool.query(
      `INSERT INTO millrace.touched (pipeline, rollup, bucket) VALUES ('default/gone', 'gone_1h', '2026-03-01T10:00:00Z')`,
    );
    await refreshAll(pipeline);
    const { is, should } = await compared('gone');
    expect(is).toEqual(should);
  });

  test('one call does a bounded number of buckets, the newest first', async () => {
    const pipeline = forEver('many');
    await setup(pipeline);
    const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
    await store(
      'many',
      Array.from({ length: 450 }, (_, hour) => ({ time: at(2 * hour), group: 'x', select: hour })),
    );
    expect(await refreshTouched(pool, pipeline, 'postgresql')).toEqual({ refreshed: 200, remaining: 250 });
    const newest = await pool.query('SELECT max(bucket) AS bucket FROM "default".many_1h');
    expect(newest.rows[0].bucket).toEqual(new Date(at(898)));
    expect(await refreshAll(pipeline)).toBe(250);
    const { is, should } = await compared('many');
    expect(is).toEqual(should);
  });

  test('only one process at a time', async () => {
    const pipeline = forEver('alone');
    await setup(pipeline);
    await store('alone', [{ time: '2026-03-01T10:00:00Z', group: 'x', select: 1 }]);
    const client = await pool.connect();
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [maintenanceLock('default/alone')]);
    expect(await refreshTouched(pool, pipeline, 'postgresql')).toEqual({ refreshed: 0, remaining: 0 });
    client.release(true);
    expect(await touchedLeft('alone')).toBe(1);
  });

  test('added later, or left out for a while: made from the rows that are there', async () => {
    await setup(forEver('added'));
    const without = testPipeline('added', { table: { name: 'added' }, rollups: [] });
    await setup(without);
    await pool.query(
      `INSERT INTO "default".added (time, "order", "group", "select") SELECT '2026-03-01Z'::timestamptz + g * interval '17 min', 'a', 'x', g FROM generate_series(1, 100) g`,
    );
    await setup(forEver('added'));
    await refreshAll(forEver('added'));
    const { is, should } = await compared('added');
    expect(is.length).toBeGreaterThan(20);
    expect(is).toEqual(should);
  });
});

describe('rows older than retain', () => {
  const hoursAgo = (hours: number) => new Date(Math.floor(Date.now() / HOUR) * HOUR - hours * HOUR + 1).toISOString();
  const reading = (hours: number, select = hours): Reading => ({ time: hoursAgo(hours), group: 'x', select });
  const retaining = (name: string) =>
    testPipeline(name, {
      table: { name, retain: '10h' },
      rollups: [{ every: '1h', by: ['group'], of: ['select', 'n'], retain: '100h' }],
    });

  test('go once their roll-up has them, which keeps what it has', async () => {
    const pipeline = retaining('kept');
    await setup(pipeline);
    await store('kept', [reading(50), reading(20), reading(5), reading(200)]);
    expect(await enforceRetention(pool, pipeline, 'postgresql')).toEqual({ removed: 0, more: false });
    await refreshAll(pipeline);
    const before = (await compared('kept')).is;
    expect(before).toHaveLength(4);
    // The rows of 200, 50 and 20 hours ago, and the bucket of 200 hours ago.
    expect(await enforceRetention(pool, pipeline, 'postgresql')).toEqual({ removed: 4, more: false });
    const after = await compared('kept');
    expect(after.should).toHaveLength(1);
    expect(after.is).toEqual(before.slice(1));

    // A late row of a bucket whose rows are gone does not make the bucket anew from itself alone.
    await store('kept', [reading(20, 1_000), reading(4)]);
    await refreshAll(pipeline);
    expect((await compared('kept')).is).toEqual([...before.slice(1), expect.objectContaining({ select_avg: 4 })]);
    expect(await touchedLeft('kept')).toBe(0);
  });

  test('go in bounded pieces', async () => {
    const pipeline = testPipeline('heap', { table: { name: 'heap', retain: '1d' }, rollups: [] });
    await setup(pipeline);
    await pool.query(
      `INSERT INTO "default".heap (time, "order") SELECT '2020-01-01Z'::timestamptz + g * interval '1 ms', 'a' FROM generate_series(1, 210000) g`,
    );
    expect(await enforceRetention(pool, pipeline, 'postgresql')).toEqual({ removed: 200_000, more: true });
    expect(await enforceRetention(pool, pipeline, 'postgresql')).toEqual({ removed: 10_000, more: false });
  });

  test('the edge is the start of a bucket, so that no bucket is cut', () => {
    const retainMs = 10 * HOUR;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_000_000_000_000 }),
        fc.array(fc.integer({ min: 1, max: 48 }), { maxLength: 3 }),
        (nowMs, hours) => {
          const everies = hours.map((n) => ({ everyMs: n * HOUR }));
          const edge = edgeMs(nowMs, retainMs, everies);
          expect(edge).toBeLessThanOrEqual(nowMs - retainMs);
          if (everies.length > 0) expect(everies.some(({ everyMs }) => bucketStartMs(edge, everyMs) === edge)).toBe(true);
        },
      ),
    );
  });
});

test('buckets are those of PostgreSQL’s date_bin', async () => {
  const someMs = fc.integer({ min: -60_000_000_000_000, max: 100_000_000_000_000 });
  const someEvery = fc.integer({ min: 1, max: 100_000_000 }).map((seconds) => seconds * 1_000);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(someMs, someEvery), { minLength: 50, maxLength: 200 }), async (pairs) => {
      const { rows } = await pool.query(
        `SELECT extract(epoch FROM date_bin(make_interval(secs => s), to_timestamp(0) + make_interval(secs => t), timestamptz '2000-01-03Z'))::float8 * 1000 AS ms
           FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS p (t, s, n) ORDER BY n`,
        [pairs.map(([timeMs]) => timeMs / 1000), pairs.map(([, everyMs]) => everyMs / 1000)],
      );
      expect(pairs.map(([timeMs, everyMs]) => bucketStartMs(timeMs, everyMs))).toEqual(rows.map(({ ms }) => ms));
    }),
    { numRuns: 20 },
  );
});
