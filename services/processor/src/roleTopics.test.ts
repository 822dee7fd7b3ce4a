/** The processor where its topics are made again, or its offsets are somebody else's. */
import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { kept, numbers, originOf, PARTITIONS, useKafka, WAIT, withoutRepeats } from './testFeed.ts';

const stage = useKafka();

test('a raw topic that is recreated is read from its beginning, under another origin', async () => {
  const feed = await stage.feedOf('recreated');
  await stage.append(feed, numbers(0, 300));
  const metrics = new Registry();
  await stage.start(feed, stage.kafka, metrics);
  await stage.untilRead(feed, 300);
  const before = (await stage.kafka.topic(feed.names.raw))?.id;
  await stage.kafka.deleteTopic(feed.names.raw);
  await vi.waitFor(() => stage.createTopic(feed.names.raw), WAIT);
  await stage.append(feed, numbers(300, 400));
  await vi.waitFor(async () => {
    const processed = withoutRepeats(await stage.recordsOf(feed.names.processed));
    expect(processed).toEqual(kept(numbers(0, 400)));
  }, WAIT);
  const ids = new Set((await stage.recordsOf(feed.names.processed)).flat().map((record) => originOf(record).topicId));
  expect([...ids]).toEqual([before, (await stage.kafka.topic(feed.names.raw))?.id]);
  expect(await metrics.metrics()).toMatch(/log_restarts_total\{pipeline="default\/recreated",kind="recreated"\} [12]/);
});

test('an offset that another tool committed does not make it skip records', async () => {
  const feed = await stage.feedOf('foreign');
  await stage.append(feed, numbers(0, 100));
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await stage.kafka.commit(feed.names.processorGroup, feed.names.raw, partition, { offset: 30, metadata: '' });
  }
  await stage.start(feed);
  await vi.waitFor(
    async () => expect(withoutRepeats(await stage.recordsOf(feed.names.processed))).toEqual(kept(numbers(0, 100))),
    WAIT,
  );
  await stage.untilRead(feed, 100);
});

test('a processed topic that is recreated gets all rows again, in raw order: some may not have been stored', async () => {
  const feed = await stage.feedOf('emptied');
  const metrics = new Registry();
  await stage.append(feed, numbers(0, 300));
  await stage.start(feed, stage.kafka, metrics);
  await stage.untilRead(feed, 300);
  await stage.kafka.deleteTopic(feed.names.processed);
  await stage.append(feed, numbers(300, 350));
  await vi.waitFor(() => stage.createTopic(feed.names.processed), WAIT);
  await stage.append(feed, numbers(350, 400));
  await vi.waitFor(
    async () => expect(withoutRepeats(await stage.recordsOf(feed.names.processed))).toEqual(kept(numbers(0, 400))),
    WAIT,
  );
  expect(await stage.untilRead(feed, 400)).toMatchObject({ rows: kept(numbers(0, 400)).length, repeats: 0 });
  expect(await metrics.metrics()).toMatch(/log_restarts_total\{pipeline="default\/emptied",kind="processed_recreated"\} 2/);
});
