import { namesOf } from '@millrace/core/spec/names.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { belongingsOf, deletePipeline } from './delete.ts';
import { resetPipeline } from './reset.ts';
import { expectedRows, log, type Platform, pipelineOf, rowsIn, send, startRoles, startServers } from './testing/feed.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await startServers();
}, 120_000);
afterAll(async () => {
  await platform?.stop();
});

const RULES = { factor: 3, max: 1_000 };
const relations = async (): Promise<string[]> => {
  const { rows } = await platform.database.query(
    `SELECT relname FROM pg_class WHERE relkind IN ('r', 'v') AND relnamespace = '"default"'::regnamespace ORDER BY 1`,
  );
  return rows.map(({ relname }) => relname);
};
const booksOf = async (pipeline: string): Promise<string[]> => {
  const found: string[] = [];
  for (const name of [
    'positions',
    'ledger',
    'touched',
    'horizons',
    'redriven',
    'reprocessed',
    'latest_unsent',
    'latest_topics',
    'owners',
    'resets',
    'reset_refusals',
  ]) {
    const { rowCount } = await platform.database.query(`SELECT FROM millrace.${name} WHERE pipeline LIKE $1 || '%' LIMIT 1`, [
      pipeline,
    ]);
    if (rowCount) found.push(name);
  }
  return found;
};

test('delete removes all of a Pipeline and nothing of another, not while it runs, and a fresh run starts from nothing', {
  timeout: 180_000,
}, async () => {
  const { kafka, database } = platform;
  const pipeline = pipelineOf('gone', RULES);
  const other = pipelineOf('stays', RULES);
  for (const one of [pipeline, other]) await setupPipeline(one, { ...platform, log });
  const others = (await relations()).filter((name) => name.startsWith('stays'));
  await send(kafka, pipeline, 0, 300);
  const stored = async (): Promise<number> => (await rowsIn(database, 'gone')).length;
  let roles = await startRoles(pipeline, platform);
  await expect.poll(stored, { timeout: 60_000 }).toBe(300);
  await expect(deletePipeline(pipeline, platform)).rejects.toThrow(
    'default/gone is running: the group default.gone.raw.processor has 1 member. Stop its roles first',
  );
  expect(await stored()).toBe(300);
  await roles.stop();
  const options = { fromMs: null, apply: true, restart: false, signal: AbortSignal.timeout(60_000) };
  await resetPipeline(pipeline, { ...platform, log }, options);
  await resetPipeline(pipeline, { ...platform, log }, { ...options, apply: false });
  expect((await belongingsOf(pipeline, platform)).tables).toEqual([
    'default.gone',
    'default.gone_1h',
    'default.gone_latest',
    expect.stringMatching(/^default.gone_old_\d{14}$/),
    expect.stringMatching(/^default.gone_old_\d{14}_1h$/),
    expect.stringMatching(/^default.gone_old_\d{14}_latest$/),
    'default.gone_reset',
    'default.gone_reset_1h',
    'default.gone_reset_latest',
  ]);
  const lines = await deletePipeline(pipeline, platform);
  const names = namesOf(pipeline);
  expect(lines).toEqual(
    expect.arrayContaining([`removed topic ${names.raw}`, `removed group ${names.processorGroup}`, 'removed table default.gone']),
  );
  expect(await relations()).toEqual(others);
  expect(await booksOf('default/gone')).toEqual([]);
  for (const name of [names.raw, names.processed, names.dlq]) expect(await kafka.topic(name)).toBe(null);
  expect(await kafka.topic(namesOf(other).raw)).not.toBe(null);
  expect(await booksOf('default/stays')).toEqual(['positions', 'owners']);
  expect(await deletePipeline(pipeline, platform)).toEqual([]);

  await setupPipeline(pipeline, { ...platform, log });
  await send(kafka, pipeline, 0, 50);
  roles = await startRoles(pipeline, platform);
  await expect.poll(stored, { timeout: 60_000 }).toBe(50);
  await roles.stop();
  expect(await rowsIn(database, 'gone')).toEqual(expectedRows(50, RULES));
});

test('a topic that was given to the Pipeline, and a table that something of a user hangs on, stay', {
  timeout: 120_000,
}, async () => {
  const { kafka, database } = platform;
  const pipeline = pipelineOf('given', RULES);
  pipeline.spec.source = { topic: { name: 'users.own' } };
  await kafka.createTopic({ name: 'users.own', partitions: 1, config: {} });
  await setupPipeline(pipeline, { ...platform, log });
  await database.query('CREATE VIEW public.dashboard AS SELECT * FROM "default".given');
  expect(await belongingsOf(pipeline, platform)).toMatchObject({ others: ['users.own'] });
  await expect(deletePipeline(pipeline, platform)).rejects.toThrow(/other objects depend on it/);
  expect(await relations()).toContain('given_latest');
  expect(await kafka.topic(namesOf(pipeline).dlq)).not.toBe(null);
  await database.query('DROP VIEW public.dashboard');
  await deletePipeline(pipeline, platform);
  expect(await kafka.topic('users.own')).not.toBe(null);
  expect(await relations()).not.toContain('given');
});
