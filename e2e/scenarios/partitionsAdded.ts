/** Partitions are added to both topics while records flow, and the new ones have records before anybody reads them. */
import type { Scenario } from './scenario.ts';
import { numbers, until, withFeed } from './world.ts';

export const partitionsAdded: Scenario = {
  fear: 'partitions are added under load',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const [processor] = await Promise.all([feed.processor(), feed.sink()]);
      await until('the processor reads', () => processor.health().state === 'reading 1 partitions');
      await feed.append(numbers(0, 20));
      await until('the first rows', async () => (await feed.rows()).length === 20);
      await feed.setup(3);
      await feed.append(numbers(20, 40), 1);
      await feed.append(numbers(40, 60), 2);
      await feed.append(numbers(60, 80));
      // Whoever looks for new partitions does so every 5 s: time for two looks, or late records of both of them in the table.
      const since = performance.now();
      let late = 1000;
      const isOver = async (): Promise<boolean> => {
        for (const partition of [1, 2]) await feed.append([late++], partition);
        const stored = (await feed.rows()).filter((n) => n >= 1000);
        return performance.now() - since > 12_000 || [0, 1].every((even) => stored.some((n) => n % 2 === even));
      };
      await until('late rows of both partitions, or time for two looks', isOver);
      await until('those of the old one', async () => (await feed.outcome(numbers(60, 80))).missing.length === 0);
      return feed.outcome(numbers(0, 80));
    }),
  right: { missing: [], twice: [] },
  without: {
    'new-partitions-noticed': { missing: numbers(20, 60), twice: [] },
    'new-partition-from-start': { missing: numbers(20, 60), twice: [] },
  },
};
