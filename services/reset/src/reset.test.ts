import { audit } from '@millrace/audit/audit.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ResetOptions, type ResetReport, resetPipeline } from './reset.ts';
import {
  derivedDifferences,
  expectedRows,
  log,
  type Platform,
  pipelineOf,
  rowsIn,
  send,
  startFeed,
  startRoles,
  startServers,
} from './testing/feed.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await startServers();
}, 120_000);
afterAll(async () => {
  await platform?.stop();
});

const WRONG = { factor: 2, max: 100 };
const RIGHT = { factor: 3, max: 1_000 };
const setup = (pipeline: Pipeline) => setupPipeline(pipeline, { ...platform, log });
const reset = (pipeline: Pipeline, options: Partial<ResetOptions> = {}): Promise<ResetReport> =>
  resetPipeline(
    pipeline,
    { ...platform, log },
    { fromMs: null, apply: true, restart: false, signal: AbortSignal.timeout(120_000), ...options },
  );

/** Waits until everything that was sent has been stored or refused by a sink, and the roll-ups are made. */
async function settled(pipeline: Pipeline): Promise<void> {
  const { kafka, database } = platform;
  const names = namesOf(pipeline);
  const rest = async (): Promise<string> => {
    const committed = await kafka.committed(names.processorGroup, names.raw);
    const raw = await kafka.bounds(names.raw);
    if (raw.some(({ end }, partition) => end > 0 && committed.get(partition)?.offset !== end)) return 'processor';
    const { rows } = await database.query('SELECT partition, next_offset FROM millrace.positions WHERE pipeline = $1', [
      names.pipeline,
    ]);
    const next = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
    if ((await kafka.bounds(names.processed)).some(({ end }, partition) => end > 0 && next.get(partition) !== end)) return 'sink';
    const touched = await database.query('SELECT FROM millrace.touched WHERE pipeline = $1 LIMIT 1', [names.pipeline]);
    return touched.rowCount === 0 ? 'nothing' : 'roll-ups';
  };
  await expect.poll(rest, { timeout: 60_000, interval: 200 }).toBe('nothing');
}

/** The audit finds nothing: what is stored is what was counted, and what the reset made of it. */
async function expectAudit(pipeline: Pipeline): Promise<void> {
  const { state, checks } = await audit(pipeline, platform);
  expect(
    checks.flatMap(({ findings }) => findings),
    JSON.stringify(
      checks.filter((check) => check.state !== 'equal'),
      null,
      1,
    ),
  ).toEqual([]);
  expect(state).toBe('equal');
}

test('a corrected rule gives the corrected rows of the whole log while the feed goes on', { timeout: 180_000 }, async () => {
  const wrong = pipelineOf('corrected', WRONG);
  const right = pipelineOf('corrected', RIGHT);
  await setup(wrong);
  await send(platform.kafka, wrong, 0, 6_000);
  let roles = await startRoles(wrong, platform);
  const feed = startFeed(platform.kafka, wrong, 6_000);
  await expect
    .poll(async () => (await rowsIn(platform.database, 'corrected')).length, { timeout: 60_000 })
    .toBeGreaterThan(5_400);
  await platform.database.query('CREATE ROLE dashboard; GRANT SELECT ON "default".corrected TO dashboard');
  await roles.stop();
  roles = await startRoles(right, platform);

  const dry = await reset(right, { apply: false });
  expect(dry).toMatchObject({ applied: false, kept: null });
  const report = await reset(right);
  const during = feed.sent();
  expect(report).toMatchObject({ applied: true, mode: 'replace', refused: 0 });
  await expect.poll(() => feed.sent(), { timeout: 30_000 }).toBeGreaterThan(during + 500);
  const count = await feed.stop();
  await settled(right);
  await roles.stop();

  expect(await rowsIn(platform.database, 'corrected')).toEqual(expectedRows(count, RIGHT));
  expect(await derivedDifferences(platform.database, 'corrected')).toEqual({ rollup: 0, latest: 0 });
  await expectAudit(right);
  // The old rows are kept, and set-up finds all as it wants it.
  const kept = report.kept?.table ?? '';
  expect(kept).toMatch(/^corrected_old_\d{14}$/);
  expect((await rowsIn(platform.database, kept)).length).toBeGreaterThan(5_400);
  expect((await setup(right)).changes).toEqual([]);
  const grants = await platform.database.query(`SELECT has_table_privilege('dashboard', '"default".corrected', 'SELECT') AS may`);
  expect(grants.rows).toEqual([{ may: true }]);
  const { rows: left } = await platform.database.query(
    `SELECT relname FROM pg_class WHERE relname LIKE '%\\_reset%' AND relnamespace = '"default"'::regnamespace`,
  );
  expect(left).toEqual([]);
});
