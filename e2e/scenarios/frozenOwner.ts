/** Sessions that stand in the way of a sink: of a frozen owner of the position row, of a lock, of a statement without end. */
import type { Scenario } from './scenario.ts';
import { numbers, poolOf, until, withFeed } from './world.ts';

const ROWS = numbers(0, 10);
const TIMEOUTS = { lock: 500, statement: 2_000, idleInTransaction: 1_000 };

export const frozenOwner: Scenario = {
  fear: 'a frozen owner of the position row does not stop its successor for ever',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const pool = poolOf(world.server.url, 'sink', TIMEOUTS);
      const owner = await pool.connect();
      owner.on('error', () => {}); // the server ends it: that is what is looked for
      try {
        await Promise.all([feed.processor(), feed.sink({ database: pool })]);
        await owner.query('begin');
        await owner.query('select from millrace.positions where pipeline = $1 for update', [feed.names.pipeline]);
        await feed.append(ROWS);
        const since = performance.now();
        const isOver = async (): Promise<boolean> =>
          (await feed.rows()).length === ROWS.length || performance.now() - since > 5 * TIMEOUTS.idleInTransaction;
        await until('the rows, or five times the time that a frozen owner has', isOver);
        return await feed.outcome(ROWS);
      } finally {
        owner.release(true);
        await feed.stopAll();
        await pool.end();
      }
    }),
  right: { missing: [], twice: [] },
  without: { 'idle-in-transaction-timeout': { missing: ROWS, twice: [] } },
};

export const tableLocked: Scenario = {
  fear: 'a lock on the table does not hold a batch for as long as a statement may take',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const pool = poolOf(world.server.url, 'sink', TIMEOUTS);
      const holder = await world.database.connect();
      try {
        await holder.query(`begin; lock table "default".${feed.names.table} in share mode`);
        const [, sink] = await Promise.all([feed.processor(), feed.sink({ database: pool })]);
        await feed.append(ROWS);
        await until('a pause', () => /timeout\)/.test(sink.health().state));
        const said = /due to (.*)/.exec(sink.health().state)?.[1];
        await holder.query('commit');
        await feed.drained();
        return { said, ...(await feed.outcome(ROWS)) };
      } finally {
        holder.release(true);
        await feed.stopAll();
        await pool.end();
      }
    }),
  right: { said: 'lock timeout', missing: [], twice: [] },
  without: { 'lock-timeout': { said: 'statement timeout', missing: [], twice: [] } },
};

export const endlessStatement: Scenario = {
  fear: 'a statement that does not end is ended',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { table } = feed.names;
      const pool = poolOf(world.server.url, 'sink', TIMEOUTS);
      await world.database.query(`create function "default".${table}_slow() returns trigger language plpgsql as
        $$ begin perform pg_sleep(4); return null; end $$;
        create trigger slow after insert on "default".${table} for each statement execute function "default".${table}_slow()`);
      try {
        const [, sink] = await Promise.all([feed.processor(), feed.sink({ database: pool })]);
        await feed.append(ROWS);
        let said: string | null = null;
        await until('a pause, or the end of the statement', async () => {
          said = /due to (.*)/.exec(sink.health().state)?.[1] ?? null;
          return said !== null || (await feed.rows()).length > 0;
        });
        await world.database.query(`drop trigger slow on "default".${table}`);
        await feed.drained();
        return { said, ...(await feed.outcome(ROWS)) };
      } finally {
        await feed.stopAll();
        await pool.end();
      }
    }),
  right: { said: 'statement timeout', missing: [], twice: [] },
  without: { 'statement-timeout': { said: null, missing: [], twice: [] } },
};
