/** Retention removes processed records that a sink has not stored yet. */

import { deleteRecords } from './admin.ts';
import type { Scenario } from './scenario.ts';
import { numbers, until, withFeed } from './world.ts';

export const retentionOvertakes: Scenario = {
  fear: 'retention overtakes a slow sink: what is lost is counted exactly and told',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { processed } = feed.names;
      await feed.append(numbers(0, 20));
      await feed.processor();
      const first = await feed.sink();
      await until('the first rows', async () => (await feed.rows()).length === 20);
      await feed.stop(first);
      await feed.append(numbers(20, 50));
      await until('all are in the topic', async () => (await world.kafka.bounds(processed))[0]?.end === 50);
      await deleteRecords(world.broker.brokers, processed, 37);
      await feed.sink();
      await feed.drained();
      const { missing, twice } = await feed.outcome(numbers(0, 50));
      return { missing, twice, ledger: await feed.ledger('lost'), metric: await feed.metric('millrace_sink_lost_records_total') };
    }),
  right: { missing: numbers(20, 37), twice: [], ledger: 17, metric: 17 },
  without: { 'lost-gap': { missing: numbers(20, 37), twice: [], ledger: 0, metric: 0 } },
};
