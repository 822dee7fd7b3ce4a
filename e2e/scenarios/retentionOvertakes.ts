/** Retention removes records that a sink, or a processor, has not read yet: lost, and said so by all that can say it. */
import { deleteRecords } from './admin.ts';
import type { Scenario } from './scenario.ts';
import { numbers, until, withFeed } from './world.ts';

export const retentionOvertakesSink: Scenario = {
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
      const metric = await feed.metric('millrace_sink_lost_records_total');
      const lines = feed.logged(/removed from the processed topic before they were stored/);
      return { ledger: await feed.ledger('lost'), metric, lines, ...(await feed.outcome(numbers(0, 50))) };
    }),
  right: { ledger: 17, metric: 17, lines: 1, missing: numbers(20, 37), twice: [] },
  without: { 'lost-gap': { ledger: 0, metric: 0, lines: 0, missing: numbers(20, 37), twice: [] } },
};

export const retentionOvertakesProcessor: Scenario = {
  fear: 'retention overtakes a slow processor: what is lost is counted exactly and told',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      await feed.append(numbers(0, 20));
      const [first] = await Promise.all([feed.processor(), feed.sink()]);
      await feed.drained();
      await feed.stop(first);
      await feed.append(numbers(20, 50));
      await deleteRecords(world.broker.brokers, feed.names.raw, 37);
      await feed.processor();
      await feed.drained();
      const metric = await feed.metric('millrace_processor_lost_records_total');
      const lines = feed.logged(/removed by retention before they were processed/);
      return { metric, lines, ...(await feed.outcome(numbers(0, 50))) };
    }),
  right: { metric: 17, lines: 1, missing: numbers(20, 37), twice: [] },
  without: { 'lost-gap': { metric: 0, lines: 0, missing: numbers(20, 37), twice: [] } },
};
