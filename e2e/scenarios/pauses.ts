/** A database that takes no rows for a reason that is not theirs: the sink pauses, says why, refuses nothing and goes on. */
import type { Worker } from '@millrace/core/role/role.ts';
import type { Pool } from 'pg';
import type { Scenario } from './scenario.ts';
import { type Feed, numbers, poolOf, until, type World, withFeed } from './world.ts';

/** Fewer rows than a batch that counts as refused whole has: nothing but the error's class keeps them out of the DLQ. */
const ROWS = numbers(0, 5);
const right = { ready: false, dlq: 0, missing: [], twice: [] };
const poured = { ready: true, reason: null, dlq: 5, missing: ROWS, twice: [] };

/** What a sink does from when the fault is there until it is mended. */
async function paused(world: World, feed: Feed, mend: () => Promise<unknown>, database?: Pool): Promise<unknown> {
  await feed.processor();
  const sink = await feed.sink(database ? { database } : {});
  await feed.append(ROWS);
  const said = await verdict(world, feed, sink);
  await mend();
  await feed.drained();
  return { ...said, dlq: await dlqEnd(world, feed), ...(await feed.outcome(ROWS)) };
}

/** Health and the metric's reason once the sink has paused, or has been done with the rows. */
async function verdict(world: World, feed: Feed, sink: Worker): Promise<{ ready: boolean; reason: string | null }> {
  let reason: string | null = null;
  await until('a pause, or the rows in the dead-letter topic', async () => {
    const gauge = await feed.metrics.getSingleMetric('millrace_sink_paused_partitions')?.get();
    reason = (gauge?.values.find(({ value }) => value > 0)?.labels.reason as string | undefined) ?? null;
    return reason !== null || (await dlqEnd(world, feed)) > 0;
  });
  return { ready: sink.health().ready, reason };
}

const dlqEnd = async ({ kafka }: World, { names }: Feed): Promise<number> => (await kafka.bounds(names.dlq))[0]?.end ?? 0;

export const tableMissing: Scenario = {
  fear: 'the table is missing: the sink pauses and pours nothing into the dead-letter topic',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { table } = feed.names;
      await world.database.query(`alter table "default".${table} rename to ${table}_away`);
      return paused(world, feed, () => world.database.query(`alter table "default".${table}_away rename to ${table}`));
    }),
  right: { ...right, reason: 'missing' },
  without: { 'row-errors-only': poured },
};

export const withoutRights: Scenario = {
  fear: 'the role has no rights on the table: the sink pauses and pours nothing into the dead-letter topic',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { database, server } = world;
      const role = feed.names.table;
      await database.query(`create role ${role} login password 'poor';
        grant usage on schema "default", millrace to ${role};
        grant select, insert, update, delete on all tables in schema millrace to ${role}`);
      const url = new URL(server.url);
      Object.assign(url, { username: role, password: 'poor' });
      const poor = poolOf(url.href, 'poor');
      try {
        const tables = [feed.names.table, feed.names.latestTable].map((table) => `"default".${table}`).join(', ');
        return await paused(world, feed, () => database.query(`grant select, insert, update on ${tables} to ${role}`), poor);
      } finally {
        await feed.stopAll();
        await poor.end();
      }
    }),
  right: { ...right, reason: 'rights' },
  without: { 'row-errors-only': poured },
};

export const diskFull: Scenario = {
  fear: "the database's disk is full: the sink pauses, pours nothing into the dead-letter topic, and goes on when there is room",
  lacks: ({ disk }) => (disk === null ? 'a mountable tmpfs' : null),
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      world.disk?.fill();
      try {
        return await paused(world, feed, async () => world.disk?.free());
      } finally {
        world.disk?.free();
      }
    }),
  right: { ...right, reason: 'full' },
  without: { 'row-errors-only': poured },
};
