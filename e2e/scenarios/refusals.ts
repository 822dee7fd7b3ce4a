/** Refusals and rows of a batch when a send fails between them. */
import { readRefusal } from '@millrace/core/record/refusal.ts';
import type { Scenario } from './scenario.ts';
import { type Feed, numbers, sending, until, type World, withFeed } from './world.ts';

/** Raw offsets of the refusals in the dead-letter topic, each once. */
async function refused({ kafka }: World, { names }: Feed): Promise<number[]> {
  const found = new Set<number>();
  for await (const { headers } of kafka.range(names.dlq, 0, 0, (await kafka.bounds(names.dlq))[0]?.end ?? 0))
    found.add(readRefusal(headers).origin.offset);
  return [...found].sort((a, b) => a - b);
}

export const sendRejected: Scenario = {
  fear: 'a send that is rejected does not make its raw records vanish behind a committed offset',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { processed, dlq } = feed.names;
      const rejected = new Set<string>();
      const failing = sending(world.kafka, (send) => async (topic, ...rest) => {
        if (rejected.has(topic)) return send(topic, ...rest);
        rejected.add(topic);
        throw new Error('the disk of the broker is full');
      });
      await feed.append(numbers(0, 10));
      await feed.appendBad(); // offset 10
      await Promise.all([feed.processor(failing), feed.sink()]);
      await until('a send to each topic was rejected', () => rejected.has(processed) && rejected.has(dlq));
      await feed.append(numbers(10, 20));
      await feed.drained();
      return { ...(await feed.outcome(numbers(0, 20))), refused: await refused(world, feed) };
    }),
  right: { missing: [], twice: [], refused: [10] },
  without: { 'acks-before-commit': { missing: numbers(0, 10), twice: [], refused: [] } },
};

export const rulesChanged: Scenario = {
  fear: 'the rules are changed after a kill between two sends of a batch',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const { spec } = feed.pipeline;
      const fields = { ...spec.record.fields, n: { type: 'int' as const, required: true, min: 10 } };
      const strict = { ...feed.pipeline, spec: { ...spec, record: { ...spec.record, fields } } };
      let sends = 0;
      const dying = sending(world.kafka, (send) => async (...args) => {
        sends += 1;
        if (sends > 1) throw new Error('killed between two sends');
        return send(...args);
      });
      await feed.append(numbers(0, 20));
      const first = await feed.processor(dying, strict);
      await until('the second send', () => sends > 1);
      await feed.stop(first);
      await Promise.all([feed.processor(), feed.sink()]);
      await feed.drained();
      const rows = await feed.rows();
      const ended = new Set([...rows, ...(await refused(world, feed))]);
      return { endedNowhere: numbers(0, 20).filter((n) => !ended.has(n)) };
    }),
  right: { endedNowhere: [] },
  without: { 'refusals-before-rows': { endedNowhere: numbers(0, 10) } },
};
