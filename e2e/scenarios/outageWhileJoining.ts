/** The database hangs for twice the time that a rebalance may take, and a second sink joins meanwhile. */
import type { Reader } from '@millrace/core/kafka/kafka.ts';
import type { Scenario } from './scenario.ts';
import { numbers, poolOf, until, withFeed } from './world.ts';

const REBALANCE_MS = 4_000;
/** Longer than the outage: the sink's handlers wait in it. */
const PATIENT = { lock: 60_000, statement: 60_000, idleInTransaction: 60_000 };

export const outageWhileJoining: Scenario = {
  fear: 'a database outage of twice the rebalance time-out while a member joins',
  run: (world, name) =>
    withFeed(
      world,
      name,
      async (feed) => {
        const pool = poolOf(world.server.url, 'sink', PATIENT);
        const readers: Reader[] = [];
        const read = async (...[options]: Parameters<typeof world.kafka.read>): Promise<Reader> => {
          const reader = await world.kafka.read({ ...options, rebalanceMs: REBALANCE_MS });
          readers.push(reader);
          return reader;
        };
        const startSink = () => feed.sink({ kafka: { read }, database: pool });
        const shares = () => readers.map((reader) => reader.partitions().length);
        const holder = await world.database.connect();
        try {
          await feed.processor();
          await startSink();
          await until('both partitions', () => shares()[0] === 2);
          await holder.query(`begin; lock table "default".${feed.names.table} in share mode`);
          const since = performance.now();
          await feed.append(numbers(0, 10), 0);
          await feed.append(numbers(10, 20), 1);
          const waiting = `select from pg_stat_activity where query like 'COPY%${feed.names.table}%' and wait_event_type = 'Lock'`;
          await until('both wait', async () => (await world.database.query(waiting)).rowCount === 2);
          await startSink();
          await until('the outage is over', () => performance.now() - since > 2 * REBALANCE_MS);
          const during = shares();
          await holder.query('commit');
          await feed.drained();
          return { during, ...(await feed.outcome(numbers(0, 20))) };
        } finally {
          holder.release(true);
          await feed.stopAll();
          await pool.end();
        }
      },
      2,
    ),
  right: { during: [1, 1], missing: [], twice: [] },
  without: { 'return-in-rebalance': { during: [0, 2], missing: [], twice: [] } },
};
