/** A reset of a Pipeline on real servers, with its feed and its roles going on. */
import { namesOf } from '@millrace/core/spec/names.ts';
import { expect, test } from 'vitest';
import type { ResetOptions } from './reset.ts';
import { deleteRecords } from './testing/deleteRecords.ts';
import {
  derivedDifferences,
  expectedRows,
  pipelineOf,
  rowsIn,
  START_MS,
  send,
  sendOne,
  startFeed,
  startRoles,
} from './testing/feed.ts';
import { RIGHT, useServers, WRONG } from './testing/stage.ts';

const stage = useServers();

test('a corrected rule gives the corrected rows of the whole log while the feed goes on', { timeout: 180_000 }, async () => {
  const wrong = pipelineOf('corrected', WRONG);
  const right = pipelineOf('corrected', RIGHT);
  await stage.setup(wrong);
  await send(stage.platform.kafka, wrong, 0, 6_000);
  let roles = await startRoles(wrong, stage.platform);
  const feed = startFeed(stage.platform.kafka, wrong, 6_000);
  await expect
    .poll(async () => (await rowsIn(stage.platform.database, 'corrected')).length, { timeout: 60_000 })
    .toBeGreaterThan(5_400);
  await stage.platform.database.query('CREATE ROLE dashboard; GRANT SELECT ON "default".corrected TO dashboard');
  await roles.stop();
  roles = await startRoles(right, stage.platform);

  const dry = await stage.reset(right, { apply: false });
  expect(dry).toMatchObject({ applied: false, kept: null });
  const report = await stage.reset(right);
  const during = feed.sent();
  expect(report).toMatchObject({ applied: true, mode: 'replace', refused: 0 });
  await expect.poll(() => feed.sent(), { timeout: 30_000 }).toBeGreaterThan(during + 500);
  const count = await feed.stop();
  await stage.settled(right);
  await roles.stop();

  expect(await rowsIn(stage.platform.database, 'corrected')).toEqual(expectedRows(count, RIGHT));
  expect(await derivedDifferences(stage.platform.database, 'corrected')).toEqual({ rollup: 0, latest: 0 });
  await stage.expectAudit(right);
  // The old rows are kept, and set-up finds all as it wants it.
  const kept = report.kept?.table ?? '';
  expect(kept).toMatch(/^corrected_old_\d{14}$/);
  expect((await rowsIn(stage.platform.database, kept)).length).toBeGreaterThan(5_400);
  expect((await stage.setup(right)).changes).toEqual([]);
  const grants = await stage.platform.database.query(
    `SELECT has_table_privilege('dashboard', '"default".corrected', 'SELECT') AS may`,
  );
  expect(grants.rows).toEqual([{ may: true }]);
  const { rows: left } = await stage.platform.database.query(
    `SELECT relname FROM pg_class WHERE relname LIKE '%\\_reset%' AND relnamespace = '"default"'::regnamespace`,
  );
  expect(left).toEqual([]);
});

test('--from keeps the rows before it as they are, and those that come late are not lost', { timeout: 180_000 }, async () => {
  const wrong = pipelineOf('partly', WRONG);
  const right = pipelineOf('partly', RIGHT);
  await stage.setup(wrong);
  await send(stage.platform.kafka, wrong, 0, 3_000);
  let roles = await startRoles(wrong, stage.platform);
  await stage.settled(wrong);
  await roles.stop();
  roles = await startRoles(right, stage.platform);
  const feed = startFeed(stage.platform.kafka, wrong, 3_000);
  const fromMs = START_MS + 1_000 * 600_000; // the time of the record 1,000
  const report = await stage.reset(right, {
    fromMs,
    at: async (step) => {
      if (step === 'taken over')
        await sendOne(stage.platform.kafka, wrong, { t: '2026-01-01T00:00:01Z', device: 'late', raw: 1, n: -1 });
    },
  });
  expect(report.applied).toBe(true);
  const count = await feed.stop();
  await stage.settled(right);
  await roles.stop();
  const isBefore = (row: string): boolean => Number(row.split('|')[0]) < fromMs;
  const expected = [
    ...expectedRows(3_000, WRONG).filter(isBefore),
    ...expectedRows(count, RIGHT).filter((row) => !isBefore(row)),
    `${Date.parse('2026-01-01T00:00:01Z')}|late|1|-1|3`,
  ];
  expect(await rowsIn(stage.platform.database, 'partly')).toEqual(expected.sort());
  expect(await derivedDifferences(stage.platform.database, 'partly')).toEqual({ rollup: 0, latest: 0 });
  await stage.expectAudit(right);
});

test('refusals that it meets are in the dead-letter topic when it is applied, and not before', { timeout: 120_000 }, async () => {
  const wide = pipelineOf('narrowed', RIGHT);
  const narrow = pipelineOf('narrowed', WRONG);
  await stage.setup(wide);
  await send(stage.platform.kafka, wide, 0, 500);
  const roles = await startRoles(wide, stage.platform);
  await stage.settled(wide);
  const inDlq = async (): Promise<number> =>
    (await stage.platform.kafka.bounds(namesOf(wide).dlq)).reduce((sum, { end }) => sum + end, 0);
  expect(await inDlq()).toBe(0);
  expect(await stage.reset(narrow, { apply: false })).toMatchObject({ refused: 50 });
  expect(await inDlq()).toBe(0);
  expect(await stage.reset(narrow)).toMatchObject({ refused: 50, days: expect.any(Array) });
  expect(await inDlq()).toBe(50);
  expect(await rowsIn(stage.platform.database, 'narrowed')).toEqual(expectedRows(500, WRONG));
  await stage.settled(wide);
  await stage.expectAudit(narrow);
  await roles.stop();
});

test('rows that only the old rules refused, behind the last one that was stored, are in the table', {
  timeout: 120_000,
}, async () => {
  const none = pipelineOf('all-refused', { factor: 2, max: -1 });
  const right = pipelineOf('all-refused', RIGHT);
  await stage.setup(none);
  await send(stage.platform.kafka, none, 0, 400);
  const roles = await startRoles(none, stage.platform);
  await stage.settled(none);
  expect(await rowsIn(stage.platform.database, 'all_refused')).toEqual([]);
  await stage.reset(right);
  expect(await rowsIn(stage.platform.database, 'all_refused')).toEqual(expectedRows(400, RIGHT));
  await roles.stop();
});

test('a raw log that retention has shortened: refused, with the time from which on it is possible', {
  timeout: 120_000,
}, async () => {
  const wrong = pipelineOf('short', WRONG);
  await stage.setup(wrong);
  const { raw } = namesOf(wrong);
  await send(stage.platform.kafka, wrong, 0, 300);
  const roles = await startRoles(wrong, stage.platform);
  await stage.settled(wrong);
  await roles.stop();
  const before = await rowsIn(stage.platform.database, 'short');
  await deleteRecords(stage.platform.brokers, raw, 10);
  const refusal = (options: Partial<ResetOptions>): Promise<string> =>
    stage.reset(wrong, options).then(
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
  expect(await rowsIn(stage.platform.database, 'short')).toEqual(before);
});

test('a changed column type goes into a new table: handed over while the feed goes on, and the old sink stops', {
  timeout: 180_000,
}, async () => {
  const { kafka, database } = stage.platform;
  const old = pipelineOf('handed', WRONG);
  const next = pipelineOf('handed', { ...RIGHT, code: 'text', table: 'handed_2' });
  await stage.setup(old);
  await send(kafka, old, 0, 2_000);
  const before = await startRoles(old, stage.platform);
  const feed = startFeed(kafka, old, 2_000);
  await expect.poll(async () => (await rowsIn(database, 'handed')).length, { timeout: 60_000 }).toBeGreaterThan(1_800);
  const report = await stage.reset(next);
  expect(report).toMatchObject({ applied: true, mode: 'hand over', kept: { table: 'handed' }, tables: { table: 'handed_2' } });
  const stopped = await rowsIn(database, 'handed');
  await expect.poll(() => before.sink.health().state, { timeout: 60_000 }).toMatch(/handed_over|paused|no topic/);
  const during = feed.sent();
  await expect.poll(() => feed.sent(), { timeout: 30_000 }).toBeGreaterThan(during + 300);
  await before.stop();
  expect(await rowsIn(database, 'handed')).toEqual(stopped);
  await expect(stage.setup(old)).rejects.toThrow(/is an old one of default\/handed, whose rows go to another since a reset/);
  await stage.setup(next);
  const after = await startRoles(next, stage.platform);
  const count = await feed.stop();
  await stage.settled(next);
  await after.stop();
  expect(await rowsIn(database, 'handed_2')).toEqual(expectedRows(count, RIGHT));
  expect(await derivedDifferences(database, 'handed_2')).toEqual({ rollup: 0, latest: 0 });
  await stage.expectAudit(next);
});

test('table.unique: one row per combination, the last one, before and after', { timeout: 120_000 }, async () => {
  const wrong = pipelineOf('uniq', { ...WRONG, unique: true });
  const right = pipelineOf('uniq', { ...RIGHT, unique: true });
  await stage.setup(wrong);
  for (let times = 0; times < 2; times += 1) await send(stage.platform.kafka, wrong, 0, 700);
  const roles = await startRoles(right, stage.platform);
  await stage.settled(wrong);
  await stage.reset(right);
  await send(stage.platform.kafka, wrong, 500, 900);
  await stage.settled(right);
  await roles.stop();
  expect(await rowsIn(stage.platform.database, 'uniq')).toEqual(expectedRows(900, RIGHT));
  await stage.expectAudit(right);
});
