/** The renames of a swap against a real TimescaleDB, compiled to WebAssembly: one connection, so that only SQL is tested here. */
import { startTimescaledb, type Timescaledb } from '@millrace/embedded/testing/timescaledb.ts';
import { modelOf } from '@millrace/setup/model.ts';
import { setupDatabase } from '@millrace/setup/setup.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planOf, tablesOf } from './plan.ts';
import { dropTables, ownedTables, renameSet } from './relations.ts';
import { exchange, keptSet } from './swap.ts';
import { takeOverIn } from './takeOver.ts';
import { pipelineOf } from './testing/feed.ts';

let session: Timescaledb;
beforeAll(async () => {
  session = await startTimescaledb();
}, 60_000);
afterAll(async () => {
  await session?.close();
});

const insert = (table: string, day: number, value: number) =>
  session.query(`INSERT INTO "default"."${table}" (time, device, raw, code, value) VALUES ($1, 'd1', 1, 1, $2)`, [
    new Date(Date.UTC(2026, 0, day)).toISOString(),
    value,
  ]);
const valuesIn = async (relation: string, column: string): Promise<number[]> =>
  (await session.query(`SELECT ${column}::float8 AS v FROM "default"."${relation}" ORDER BY v`)).rows.map(({ v }) => Number(v));

test('hypertables, continuous aggregates and their indexes take the old ones place, and set-up finds all as it wants it', {
  timeout: 60_000,
}, async () => {
  const pipeline = pipelineOf('hyper', { factor: 2, max: 9 });
  pipeline.spec.table.compress = { after: '7d' };
  const { server } = await setupDatabase(session, modelOf(pipeline), []);
  expect(server.kind).toBe('timescaledb');
  for (const day of [1, 2, 3]) await insert('hyper', day, day);
  const fromMs = Date.UTC(2026, 0, 3);
  const plan = planOf(pipeline, fromMs, await ownedTables(session, 'default/hyper', 'default'), 'raw');
  await session.query(`INSERT INTO millrace.resets (pipeline, plan) VALUES ('default/hyper', 'p')`);
  await setupDatabase(session, { ...modelOf(plan.shadow), compression: null }, []);
  expect(await takeOverIn(session, plan, server)).toBe(2);
  await insert(tablesOf(plan.shadow).table, 3, 30);
  const startedAt = new Date(Date.UTC(2026, 0, 4));
  await session.query('BEGIN');
  const kept = await exchange(session, plan, startedAt);
  await session.query('COMMIT');
  expect(kept).toEqual(keptSet(plan, startedAt));
  expect(kept.table).toBe('hyper_old_20260104000000');

  expect(await valuesIn('hyper', 'value')).toEqual([1, 2, 30]);
  expect(await valuesIn('hyper_1h', 'value_max')).toEqual([1, 2, 30]);
  expect(await valuesIn(kept.table, 'value')).toEqual([1, 2, 3]);
  expect(await valuesIn(`${kept.table}_1h`, 'value_max')).toEqual([1, 2, 3]);
  await insert('hyper', 5, 5);
  expect(await valuesIn('hyper', 'value')).toEqual([1, 2, 5, 30]);
  const { changes } = await setupDatabase(session, modelOf(pipeline), []);
  expect(changes).toEqual([
    'compressed chunks of default.hyper are segmented by device',
    'added the compression policy of default.hyper',
  ]);
  expect((await setupDatabase(session, modelOf(pipeline), [])).changes).toEqual([]);
  // And back again, under any name; then the old ones go.
  await renameSet(session, tablesOf(pipeline), { ...kept, table: 'x', latest: 'x_latest', rollups: new Map([['1h', 'x_1h']]) });
  expect(await valuesIn('x_1h', 'value_max')).toEqual([1, 2, 5, 30]);
  expect(await dropTables(session, 'default', [kept.table, `${kept.table}_latest`, `${kept.table}_1h`])).toHaveLength(3);
});
