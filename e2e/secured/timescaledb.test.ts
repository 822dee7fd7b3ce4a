/**
 * The platform's database roles on a real TimescaleDB, compiled to WebAssembly (one connection that changes its user): the sink
 * stores as writer, what it touched is rolled up by the policies, which run as the owner, and the writer can do no more than store.
 */
import { roleStatements } from '@millrace/bootstrap/databaseRoles.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { startTimescaledb, type Timescaledb } from '@millrace/embedded/testing/timescaledb.ts';
import { planOf, tablesOf } from '@millrace/reset/plan.ts';
import { dropTables, ownedTables } from '@millrace/reset/relations.ts';
import { exchange } from '@millrace/reset/swap.ts';
import { takeOverIn } from '@millrace/reset/takeOver.ts';
import { modelOf } from '@millrace/setup/model.ts';
import { refreshIn } from '@millrace/setup/rollups/refresh.ts';
import { setupDatabase } from '@millrace/setup/setup.ts';
import { wantedTopics } from '@millrace/setup/topics.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';

type Role = 'owner' | 'writer' | 'reader';
const ROLLUP = 'feeds.phones_10s';
const PIPELINE = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: phones, namespace: feeds }
spec:
  source: { simulator: { seed: 1, devices: 1, rate: 1 } }
  topics: { partitions: 1 }
  record:
    key: device
    time: { field: at }
    fields: { device: { type: text, required: true }, x: { type: float } }
  table: { name: phones, chunk: 1d, compress: { after: 2d }, unique: { columns: [device, time], keep: last } }
  rollups: [{ every: 10s, by: [device], of: [x] }]
`;
const DAY_MS = 86_400_000;
const [loaded] = parsePipelines(PIPELINE, 'phones.yaml');
if (!loaded) throw new Error('no Pipeline');
const { pipeline } = loaded;
/** A whole day, of which the chunk of five days ago is compressed. */
const daysAgo = (days: number): number => Math.floor(Date.now() / DAY_MS - days) * DAY_MS;

let database: Timescaledb;
beforeAll(async () => {
  database = await startTimescaledb();
  const account = (user: string) => ({ user, secret: user });
  const roles = {
    superuser: account('postgres'),
    owner: account('owner'),
    writer: account('writer'),
    reader: account('reader'),
    registry: account('millrace_registry'),
  };
  const plan = { host: 'localhost', port: 5432, name: 'postgres', ...roles };
  const statements = roleStatements(plan, (secret) => `of ${secret}`);
  for (const statement of [...statements, ...statements]) await database.query(statement);
  // On the database that it is in, this build can grant nothing: what the owner makes by the right to create is made as a superuser.
  await database.query('ALTER ROLE owner SUPERUSER');
  await as('owner', () => database.query('CREATE SCHEMA feeds; CREATE SCHEMA millrace'));
  await database.query('ALTER ROLE owner NOSUPERUSER');
  await as('owner', () => setUp());
}, 120_000);
afterAll(async () => {
  await database?.close();
});

const setUp = () => setupDatabase(database, modelOf(pipeline), wantedTopics(pipeline, null));

async function as<T>(role: Role, work: () => Promise<T>): Promise<T> {
  await database.query(`SET SESSION AUTHORIZATION ${role}`);
  try {
    return await work();
  } finally {
    await database.query('RESET SESSION AUTHORIZATION');
  }
}

/** As the sink's merging transaction does it. */
const store = (table: string, atMs: number, x: number, appendedMs: number) =>
  database.query(
    `INSERT INTO feeds.${table} AS kept (device, time, x, _appended_ms) VALUES ('a', $1, $2, $3)
     ON CONFLICT (device, time) DO UPDATE SET x = EXCLUDED.x, _appended_ms = EXCLUDED._appended_ms WHERE EXCLUDED._appended_ms >= kept._appended_ms`,
    [new Date(atMs).toISOString(), x, appendedMs],
  );

const read = async (sql: string, values: unknown[] = []) => (await database.query(sql, values)).rows;

/** What TimescaleDB's scheduler does with every job of this procedure: as the job's owner, who must be able to log in. */
async function runJobs(procedure: string): Promise<void> {
  const jobs = await read('SELECT job_id, owner::text FROM timescaledb_information.jobs WHERE proc_name = $1', [procedure]);
  expect(jobs.length).toBeGreaterThan(0);
  for (const { job_id, owner } of jobs) {
    expect(owner).toBe('owner');
    await as('owner', () => database.query(`CALL public.run_job(${Number(job_id)})`));
  }
}

const isRolledUp = async (): Promise<number> => {
  const is = await read(`SELECT bucket, x_count::int, x_max FROM ${ROLLUP} ORDER BY 1`);
  const should = await read(
    `SELECT public.time_bucket('10 seconds', time) AS bucket, count(x)::int AS x_count, max(x) AS x_max FROM feeds.phones GROUP BY 1 ORDER BY 1`,
  );
  expect(is).toEqual(should);
  return is.length;
};

test('late and historical rows of the writer are rolled up by the policy, also those that are merged into compressed chunks', async () => {
  await as('writer', async () => {
    for (const days of [400, 5, 1])
      for (const second of [0, 1, 10]) await store('phones', daysAgo(days) + second * 1_000, days, 1);
    await database.query(`INSERT INTO millrace.touched (pipeline, rollup, bucket) VALUES ('feeds/phones', 'phones_10s', now())`);
  });
  await runJobs('policy_refresh_continuous_aggregate');
  await runJobs('policy_compression');
  expect(await as('reader', isRolledUp)).toBe(6);

  await as('writer', async () => {
    await store('phones', daysAgo(5), 50, 2); // corrects a row of a compressed chunk
    await store('phones', daysAgo(5) + 60_000, 51, 2);
    await store('phones', daysAgo(800), 52, 2);
    expect(await refreshIn(database, pipeline, 'timescaledb')).toEqual({ refreshed: 0, remaining: 0 });
  });
  await runJobs('policy_refresh_continuous_aggregate');
  expect(await as('reader', isRolledUp)).toBe(8);
  expect(await as('writer', () => read('SELECT FROM millrace.touched'))).toEqual([]);
});

const REFRESH = `CALL public.refresh_continuous_aggregate('${ROLLUP}', NULL, NULL)`;
const DENIED = [
  REFRESH,
  `DROP MATERIALIZED VIEW ${ROLLUP}`,
  `ALTER MATERIALIZED VIEW ${ROLLUP} RENAME TO other`,
  `ALTER MATERIALIZED VIEW ${ROLLUP} SET (timescaledb.materialized_only = true)`,
  `SELECT public.remove_continuous_aggregate_policy('${ROLLUP}')`,
  `SELECT public.alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs WHERE proc_name = 'policy_refresh_continuous_aggregate'`,
  `SELECT public.drop_chunks('feeds.phones', older_than => interval '1 day')`,
  `SELECT public.add_retention_policy('feeds.phones', interval '1 day')`,
  'TRUNCATE feeds.phones',
  'ALTER TABLE feeds.phones ADD COLUMN y int',
  'DROP TABLE feeds.phones',
];

test.each(DENIED.flatMap((sql) => [['writer', sql] as const, ['reader', sql] as const]))('%s may not: %s', async (role, sql) => {
  await as(role, () => expect(database.query(sql)).rejects.toThrow(/permission denied|must be owner|insufficient permissions/));
});

test('set up again by the owner, all is as it was; what a reset makes is rolled up, and goes', async () => {
  const again = await as('owner', setUp);
  expect(again.changes).toEqual([]);
  const old = await as('owner', () => ownedTables(database, 'feeds/phones', 'feeds'));
  const plan = planOf(pipeline, daysAgo(1), old, 'raw');
  const shadow = tablesOf(plan.shadow);
  const kept = await as('owner', async () => {
    await database.query(`INSERT INTO millrace.resets (pipeline, plan) VALUES ('feeds/phones', 'p')`);
    await setupDatabase(database, { ...modelOf(plan.shadow), compression: null }, []);
    await takeOverIn(database, plan, again.server);
    await database.query('BEGIN');
    const set = await exchange(database, plan, new Date());
    await database.query('COMMIT');
    return set;
  });
  expect(kept.table).not.toBe(shadow.table);
  await as('writer', () => store('phones', daysAgo(3), 7, 3));
  await as('owner', setUp);
  await runJobs('policy_refresh_continuous_aggregate');
  expect(await as('reader', isRolledUp)).toBeGreaterThan(5);
  const removed = await as('owner', () =>
    dropTables(database, 'feeds', [kept.table, kept.latest, ...kept.rollups.values(), 'phones', 'phones_latest', 'phones_10s']),
  );
  expect(removed).toHaveLength(6);
});
