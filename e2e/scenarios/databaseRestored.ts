/**
 * The database falls back to an earlier state under a living sink: a failover to a lagging replica, a restored backup. The
 * sinks are without a consumer group, so that none of them loads its position for another reason.
 */
import { Reload } from '@millrace/core/kafka/kafka.ts';
import { batchOf, never, type TestSink, testSink } from '@millrace/sink/testSink.ts';
import { copyDatabase, restoreCopy } from '../faults/restoreDatabase.ts';
import type { Scenario } from './scenario.ts';
import { type Feed, numbers, until, type World, withFeed } from './world.ts';

export const databaseRestored: Scenario = {
  fear: 'the database is restored to an earlier state while a sink lives',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { living } = await restoredUnderSink(world, feed);
      await living.read(60);
      return feed.outcome(numbers(0, 60));
    }),
  right: { missing: [], twice: [] },
  without: { 'position-compare': { missing: numbers(20, 40), twice: [] } },
};

/** What only the writer tells: the version is the same again. */
export const databaseRestoredAndUsed: Scenario = {
  fear: 'the database is restored to an earlier state, and another sink goes on there before the one that lives',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { living, other } = await restoredUnderSink(world, feed);
      await other.read(25);
      await living.read(60);
      return feed.outcome(numbers(0, 60));
    }),
  right: { missing: [], twice: [] },
  without: { 'position-writer': { missing: numbers(25, 40), twice: [] } },
};

interface Reading {
  /** Stores what stands from its place to before this offset; goes to the stored position where it is told to load again. */
  read(to: number): Promise<void>;
}

/** A living sink that has stored 40 of 60 rows in two transactions, on a database that knows of the first one only. */
async function restoredUnderSink(world: World, feed: Feed): Promise<{ living: Reading; other: Reading }> {
  await feed.append(numbers(0, 60));
  const processor = await feed.processor();
  await until('all are in the topic', async () => (await world.kafka.bounds(feed.names.processed))[0]?.end === 60);
  await feed.stop(processor);
  const living = readingOf(world, feed);
  await living.read(20);
  const copy = await copyDatabase(world);
  await living.read(40);
  await restoreCopy(world, copy);
  await until('the earlier state', async () => (await feed.rows()).length === 20);
  return { living, other: readingOf(world, feed) };
}

function readingOf({ kafka, database }: World, { pipeline, names }: Feed): Reading {
  const sink: TestSink = testSink(pipeline, database);
  let next: number | null = null;
  return {
    async read(to) {
      const topic = await kafka.topic(names.processed);
      if (topic === null) throw new Error(`no topic ${names.processed}`);
      for (;;) {
        next ??= (await sink.load(0, topic, never)).next ?? 0;
        try {
          if (next < to)
            await sink.handle(batchOf(await Array.fromAsync(kafka.range(names.processed, 0, next, to)), { topicId: topic.id }));
          next = to;
          return;
        } catch (error) {
          if (!(error instanceof Reload)) throw error;
          next = null;
        }
      }
    },
  };
}
