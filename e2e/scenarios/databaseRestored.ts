/** The database falls back to an earlier state under a living sink: a failover to a lagging replica, a restored backup. */
import { batchOf, never, testSink } from '@millrace/sink/testSink.ts';
import { copyDatabase, restoreCopy } from '../faults/restoreDatabase.ts';
import type { Scenario } from './scenario.ts';
import { type Feed, numbers, until, type World, withFeed } from './world.ts';

export const databaseRestored: Scenario = {
  fear: 'the database is restored to an earlier state while a sink lives',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      await restoredUnderSink(world, feed);
      await feed.append(numbers(40, 50));
      await until('the last rows', async () => (await feed.outcome(numbers(40, 50))).missing.length === 0);
      return feed.outcome(numbers(0, 50));
    }),
  right: { missing: [], twice: [] },
  without: { 'position-compare': { missing: numbers(20, 40), twice: [] } },
};

/** What only the writer tells: the version is the same again. */
export const databaseRestoredAndUsed: Scenario = {
  fear: 'the database is restored to an earlier state, and another sink goes on there before the one that lives',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      await restoredUnderSink(world, feed);
      const { kafka, database } = world;
      const other = testSink(feed.pipeline, database);
      const topic = await kafka.topic(feed.names.processed);
      if (topic === null) throw new Error('no processed topic');
      await other.load(0, topic, never);
      const records = await Array.fromAsync(kafka.range(feed.names.processed, 0, 20, 25));
      await other.handle(batchOf(records, { topicId: topic.id }));
      await feed.append(numbers(40, 50));
      await until('the last rows', async () => (await feed.outcome(numbers(40, 50))).missing.length === 0);
      return feed.outcome(numbers(0, 50));
    }),
  right: { missing: [], twice: [] },
  without: { 'position-writer': { missing: numbers(25, 40), twice: [] } },
};

/** A living sink that has stored 40 rows in two transactions, on a database that knows of the first only. */
async function restoredUnderSink(world: World, feed: Feed): Promise<void> {
  await Promise.all([feed.processor(), feed.sink()]);
  await feed.append(numbers(0, 20));
  await feed.drained();
  const copy = await copyDatabase(world);
  await feed.append(numbers(20, 40));
  await until('40 rows', async () => (await feed.rows()).length === 40);
  await restoreCopy(world, copy);
  await until('the earlier state', async () => (await feed.rows()).length === 20);
}
