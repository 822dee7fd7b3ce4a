/**
 * The processed topic is deleted and made again, with rows in it that no sink has stored: under a busy processor, and while
 * none runs.
 */
import type { Scenario } from './scenario.ts';
import { numbers, until, withFeed } from './world.ts';

export const processedTopicRecreated: Scenario = {
  fear: 'a processed topic is recreated under a living processor, with rows that no sink has stored',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      await feed.append(numbers(0, 20));
      const sink = await feed.sink();
      await feed.processor();
      await until('the first rows', async () => (await feed.rows()).length === 20);
      await feed.stop(sink);
      await feed.append(numbers(20, 40));
      await until(
        'more in the topic than is stored',
        async () => (await world.kafka.bounds(feed.names.processed))[0]?.end === 40,
      );
      await world.kafka.deleteTopic(feed.names.processed);
      await feed.setup();
      await feed.append(numbers(40, 50));
      await feed.sink();
      await feed.drained();
      return feed.outcome(numbers(0, 50));
    }),
  right: { missing: [], twice: [] },
  without: { 'processed-topic-id-before-send': { missing: numbers(20, 40), twice: [] } },
};

export const processedTopicRecreatedMeanwhile: Scenario = {
  fear: 'a processed topic is recreated while no processor runs, with rows that no sink has stored',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      await feed.append(numbers(0, 20));
      const processor = await feed.processor();
      await until('all are in the topic', async () => (await world.kafka.bounds(feed.names.processed))[0]?.end === 20);
      await feed.stop(processor);
      await world.kafka.deleteTopic(feed.names.processed);
      await feed.setup();
      await feed.append(numbers(20, 30));
      await Promise.all([feed.processor(), feed.sink()]);
      await feed.drained();
      return feed.outcome(numbers(0, 30));
    }),
  right: { missing: [], twice: [] },
  without: { 'processed-id-in-progress': { missing: numbers(0, 20), twice: [] } },
};
