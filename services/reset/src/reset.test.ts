import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { audit } from '@millrace/audit/audit.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ResetOptions, type ResetReport, resetPipeline } from './reset.ts';
import { deleteRecords } from './testing/deleteRecords.ts';
import {
  derivedDifferences,
  expectedRows,
  log,
  type Platform,
  pipelineOf,
  rowsIn,
  START_MS,
  send,
  sendOne,
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

/** Runs a reset in a process of its own up to a step, and kills it there. */
async function killedAt(step: string, pipeline: Pipeline): Promise<void> {
  const script = fileURLToPath(new URL('./testing/stopAt.ts', import.meta.url));
  const env = {
    ...process.env,
    STEP: step,
    PIPELINE: JSON.stringify(pipeline),
    BROKERS: platform.brokers.join(','),
    DATABASE: platform.databaseUrl,
  };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', resolve);
    child.once('exit', (code) => resolve(`exit ${code}`));
  });
  expect(said, step).toBe('there\n');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

const STEPS = ['made', 'filling', 'caught up', 'locked', 'filled', 'renamed', 'committing'];

test('killed at any step, it is never half done, and run again it ends as if nothing had happened', {
  timeout: 240_000,
}, async () => {
  const wrong = pipelineOf('killed', WRONG);
  const right = pipelineOf('killed', RIGHT);
  await setup(wrong);
  await send(platform.kafka, wrong, 0, 2_000);
  const roles = await startRoles(right, platform);
  const feed = startFeed(platform.kafka, wrong, 2_000);
  await expect.poll(async () => (await rowsIn(platform.database, 'killed')).length, { timeout: 60_000 }).toBeGreaterThan(1_800);
  for (const step of STEPS) {
    await killedAt(step, right);
    const { rows } = await platform.database.query(`SELECT relname FROM pg_class WHERE relname LIKE 'killed\\_old%'`);
    expect(rows, `killed at ${step}`).toEqual([]);
    const before = (await rowsIn(platform.database, 'killed')).length;
    await expect
      .poll(async () => (await rowsIn(platform.database, 'killed')).length, { timeout: 60_000 })
      .toBeGreaterThan(before);
  }
  const report = await reset(right);
  expect(report.applied).toBe(true);
  const count = await feed.stop();
  await settled(right);
  await roles.stop();
  expect(await rowsIn(platform.database, 'killed')).toEqual(expectedRows(count, RIGHT));
  expect(await derivedDifferences(platform.database, 'killed')).toEqual({ rollup: 0, latest: 0 });
  await expectAudit(right);
});

test('--from keeps the rows before it as they are, and those that come late are not lost', { timeout: 180_000 }, async () => {
  const wrong = pipelineOf('partly', WRONG);
  const right = pipelineOf('partly', RIGHT);
  await setup(wrong);
  await send(platform.kafka, wrong, 0, 3_000);
  let roles = await startRoles(wrong, platform);
  await settled(wrong);
  await roles.stop();
  roles = await startRoles(right, platform);
  const feed = startFeed(platform.kafka, wrong, 3_000);
  const fromMs = START_MS + 1_000 * 600_000; // the time of the record 1,000
  const report = await reset(right, {
    fromMs,
    at: async (step) => {
      if (step === 'taken over')
        await sendOne(platform.kafka, wrong, { t: '2026-01-01T00:00:01Z', device: 'late', raw: 1, n: -1 });
    },
  });
  expect(report.applied).toBe(true);
  const count = await feed.stop();
  await settled(right);
  await roles.stop();
  const isBefore = (row: string): boolean => Number(row.split('|')[0]) < fromMs;
  const expected = [
    ...expectedRows(3_000, WRONG).filter(isBefore),
    ...expectedRows(count, RIGHT).filter((row) => !isBefore(row)),
    `${Date.parse('2026-01-01T00:00:01Z')}|late|1|-1|3`,
  ];
  expect(await rowsIn(platform.database, 'partly')).toEqual(expected.sort());
  expect(await derivedDifferences(platform.database, 'partly')).toEqual({ rollup: 0, latest: 0 });
  await expectAudit(right);
});

test('refusals that it meets are in the dead-letter topic when it is applied, and not before', { timeout: 120_000 }, async () => {
  const wide = pipelineOf('narrowed', RIGHT);
  const narrow = pipelineOf('narrowed', WRONG);
  await setup(wide);
  await send(platform.kafka, wide, 0, 500);
  const roles = await startRoles(wide, platform);
  await settled(wide);
  const inDlq = async (): Promise<number> =>
    (await platform.kafka.bounds(namesOf(wide).dlq)).reduce((sum, { end }) => sum + end, 0);
  expect(await inDlq()).toBe(0);
  expect(await reset(narrow, { apply: false })).toMatchObject({ refused: 50 });
  expect(await inDlq()).toBe(0);
  expect(await reset(narrow)).toMatchObject({ refused: 50, days: expect.any(Array) });
  expect(await inDlq()).toBe(50);
  expect(await rowsIn(platform.database, 'narrowed')).toEqual(expectedRows(500, WRONG));
  await settled(wide);
  await expectAudit(narrow);
  await roles.stop();
});

test('rows that only the old rules refused, behind the last one that was stored, are in the table', {
  timeout: 120_000,
}, async () => {
  const none = pipelineOf('all-refused', { factor: 2, max: -1 });
  const right = pipelineOf('all-refused', RIGHT);
  await setup(none);
  await send(platform.kafka, none, 0, 400);
  const roles = await startRoles(none, platform);
  await settled(none);
  expect(await rowsIn(platform.database, 'all_refused')).toEqual([]);
  await reset(right);
  expect(await rowsIn(platform.database, 'all_refused')).toEqual(expectedRows(400, RIGHT));
  await roles.stop();
});

test('a raw log that retention has shortened: refused, with the time from which on it is possible', {
  timeout: 120_000,
}, async () => {
  const wrong = pipelineOf('short', WRONG);
  await setup(wrong);
  const { raw } = namesOf(wrong);
  await send(platform.kafka, wrong, 0, 300);
  const roles = await startRoles(wrong, platform);
  await settled(wrong);
  await roles.stop();
  const before = await rowsIn(platform.database, 'short');
  await deleteRecords(platform.brokers, raw, 10);
  const refusal = (options: Partial<ResetOptions>): Promise<string> =>
    reset(wrong, options).then(
      () => 'reset',
      (error: Error) => error.message,
    );
  const said = await refusal({});
  expect(said).toMatch(
    /^Not all rows can be made anew: the first 10 records of default\.short\.raw partition 0 were removed, the first that is left is of /,
  );
  const fromMs = Date.parse(/Possible is --from (\S+Z) or later/.exec(said)?.[1] ?? '');
  expect(await refusal({ fromMs: fromMs - 1 })).toMatch(/^Rows from \S+Z on cannot all be made anew/);
  expect(await refusal({ fromMs })).toBe('reset');
  expect(await rowsIn(platform.database, 'short')).toEqual(before);
});

test('a changed column type goes into a new table: handed over while the feed goes on, and the old sink stops', {
  timeout: 180_000,
}, async () => {
  const { kafka, database } = platform;
  const old = pipelineOf('handed', WRONG);
  const next = pipelineOf('handed', { ...RIGHT, code: 'text', table: 'handed_2' });
  await setup(old);
  await send(kafka, old, 0, 2_000);
  const before = await startRoles(old, platform);
  const feed = startFeed(kafka, old, 2_000);
  await expect.poll(async () => (await rowsIn(database, 'handed')).length, { timeout: 60_000 }).toBeGreaterThan(1_800);
  const report = await reset(next);
  expect(report).toMatchObject({ applied: true, mode: 'hand over', kept: { table: 'handed' }, tables: { table: 'handed_2' } });
  const stopped = await rowsIn(database, 'handed');
  await expect.poll(() => before.sink.health().state, { timeout: 60_000 }).toMatch(/handed_over|paused|no topic/);
  const during = feed.sent();
  await expect.poll(() => feed.sent(), { timeout: 30_000 }).toBeGreaterThan(during + 300);
  await before.stop();
  expect(await rowsIn(database, 'handed')).toEqual(stopped);
  await expect(setup(old)).rejects.toThrow(/is an old one of default\/handed, whose rows go to another since a reset/);
  await setup(next);
  const after = await startRoles(next, platform);
  const count = await feed.stop();
  await settled(next);
  await after.stop();
  expect(await rowsIn(database, 'handed_2')).toEqual(expectedRows(count, RIGHT));
  expect(await derivedDifferences(database, 'handed_2')).toEqual({ rollup: 0, latest: 0 });
  await expectAudit(next);
});

test('table.unique: one row per combination, the last one, before and after', { timeout: 120_000 }, async () => {
  const wrong = pipelineOf('uniq', { ...WRONG, unique: true });
  const right = pipelineOf('uniq', { ...RIGHT, unique: true });
  await setup(wrong);
  for (let times = 0; times < 2; times += 1) await send(platform.kafka, wrong, 0, 700);
  const roles = await startRoles(right, platform);
  await settled(wrong);
  await reset(right);
  await send(platform.kafka, wrong, 500, 900);
  await settled(right);
  await roles.stop();
  expect(await rowsIn(platform.database, 'uniq')).toEqual(expectedRows(900, RIGHT));
  await expectAudit(right);
});

test('two at a time are refused', async () => {
  const pipeline = pipelineOf('twice', RIGHT);
  await setup(pipeline);
  const second = { outcome: '' };
  await reset(pipeline, {
    at: async (step) => {
      if (step === 'made')
        second.outcome = await reset(pipeline).then(
          () => 'reset',
          (error: Error) => error.message,
        );
    },
  });
  expect(second.outcome).toBe('another reset of default/twice is running');
});
