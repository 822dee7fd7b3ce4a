/** The raw topic is deleted and made again between the processor's reading of a batch and its send. */
import { decodeOrigin } from '@millrace/core/record/origin.ts';
import type { Scenario } from './scenario.ts';
import { handling, numbers, withFeed } from './world.ts';

export const rawTopicReplaced: Scenario = {
  fear: 'a raw topic is recreated between the reading of a batch and its send',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { kafka } = world;
      const { raw, processed } = feed.names;
      await feed.append(numbers(0, 20));
      const { promise: isReplaced, resolve: replaced } = Promise.withResolvers<void>();
      let isFirst = true;
      const late = handling(kafka, async (batch, handle) => {
        if (isFirst) {
          isFirst = false;
          await kafka.deleteTopic(raw);
          await feed.setup();
          await feed.append(numbers(20, 30));
          replaced();
        }
        await handle(batch);
      });
      await Promise.all([feed.processor(late), feed.sink()]);
      await isReplaced;
      await feed.drained();
      const id = (await kafka.topic(raw))?.id;
      const ids = [];
      for await (const { headers } of kafka.range(processed, 0, 0, (await kafka.bounds(processed))[0]?.end ?? 0))
        ids.push(decodeOrigin(headers.origin ?? Buffer.alloc(0)).topicId);
      return { ofTheDeleted: ids.filter((one) => one !== id).length, ...(await feed.outcome(numbers(20, 30))) };
    }),
  right: { ofTheDeleted: 0, missing: [], twice: [] },
  without: { 'raw-topic-id-before-send': { ofTheDeleted: 20, missing: [], twice: [] } },
};
