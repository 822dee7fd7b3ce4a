/** Somebody deletes the processor's group, and with it what was committed. */
import { deleteGroup } from './admin.ts';
import type { Scenario } from './scenario.ts';
import { numbers, withFeed } from './world.ts';

export const groupOffsetsLost: Scenario = {
  fear: "the group's offsets are lost",
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      await feed.append(numbers(0, 20));
      const [first] = await Promise.all([feed.processor(), feed.sink()]);
      await feed.drained();
      await feed.stop(first);
      await deleteGroup(world.broker.brokers, feed.names.processorGroup);
      await feed.append(numbers(20, 30));
      await feed.processor();
      await feed.drained();
      return feed.outcome(numbers(0, 30));
    }),
  right: { missing: [], twice: [] },
  without: { 'origin-repeats': { missing: [], twice: numbers(0, 20) } },
};
