/** The raw topic is deleted and made again under a living processor that is busy with a batch of the former one. */

import type { Scenario } from './scenario.ts';
import { handling, numbers, until, withFeed } from './world.ts';

export const rawTopicRecreated: Scenario = {
  fear: 'a raw topic is recreated under a living, busy processor',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { kafka } = world;
      const { promise: isLonger, resolve: goOn } = Promise.withResolvers<void>();
      let batches = 0;
      const busy = handling(kafka, async (batch, handle) => {
        batches += 1;
        await handle(batch);
        if (batches === 1) await isLonger;
      });
      await feed.append(numbers(0, 20));
      await Promise.all([feed.processor(busy), feed.sink()]);
      await until('the first rows', async () => (await feed.rows()).length === 20);
      await kafka.deleteTopic(feed.names.raw);
      await feed.setup();
      await feed.append(numbers(20, 60)); // longer than the former one: its offset is there, too
      goOn();
      await feed.append(numbers(60, 70));
      await feed.drained();
      return feed.outcome(numbers(0, 70));
    }),
  right: { missing: [], twice: [] },
  without: {
    'fetched-topic-id': { missing: numbers(20, 40), twice: [] },
    'origin-topic-id': { missing: numbers(20, 40), twice: [] },
  },
};
