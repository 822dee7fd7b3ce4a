/**
 * A log that lost its end under the same topic id (an unclean election, a restored disk) and was written on: the broker is
 * killed, and the segment's file cut between two batches.
 */
import { readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Scenario } from './scenario.ts';
import { numbers, until, type World, withFeed } from './world.ts';

export const rawLogTruncated: Scenario = {
  fear: 'the raw log is truncated under the same id, and its offsets are used again',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const [processor] = await Promise.all([feed.processor(), feed.sink()]);
      await feed.append(numbers(0, 10));
      await feed.append(numbers(10, 20));
      await feed.drained();
      await cut(world, feed.names.raw, 10);
      // The broker has forgotten the producer's last numbers with the records: that send is rejected, the next has new ones.
      await expect(feed.append(numbers(20, 25))).rejects.toThrow('out of order sequence');
      await feed.append(numbers(20, 25));
      let isStuck = false;
      await until('the new rows, or a processor that waits behind the end', async () => {
        isStuck = /not within the range/.test(processor.health().state);
        return isStuck || (await world.kafka.committed(feed.names.processorGroup, feed.names.raw)).get(0)?.offset === 15;
      });
      if (!isStuck) await feed.drained();
      return { isStuck, ...(await feed.outcome(numbers(0, 25))) };
    }),
  right: { isStuck: false, missing: [], twice: [] },
  without: {
    'cut-origin': { isStuck: false, missing: numbers(20, 25), twice: [] },
    'log-end': { isStuck: true, missing: numbers(20, 25), twice: [] },
  },
};

export const processedLogTruncated: Scenario = {
  fear: 'the processed log is truncated under the same id, and grows again before a sink looks',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const [, sink] = await Promise.all([feed.processor(), feed.sink()]);
      await feed.append(numbers(0, 10));
      await until('the first rows', async () => (await feed.rows()).length === 10);
      await feed.append(numbers(10, 20));
      await feed.drained();
      await feed.stop(sink);
      await cut(world, feed.names.processed, 10);
      await feed.append(numbers(20, 45));
      await until('a longer log than before', async () => (await world.kafka.bounds(feed.names.processed))[0]?.end === 35);
      await feed.sink();
      await feed.drained();
      return feed.outcome(numbers(0, 45));
    }),
  right: { missing: [], twice: [] },
  without: { bookmark: { missing: numbers(20, 30), twice: [] } },
};

/** Cuts partition 0 of a topic back to an offset at which a batch begins. */
async function cut({ broker }: World, topic: string, offset: number): Promise<void> {
  const [node] = broker.nodes;
  if (!node) throw new Error('no broker');
  node.kill('SIGKILL');
  await node.exited;
  const segment = join(node.folder, 'data', `${topic}-0`, '0'.repeat(20));
  truncateSync(`${segment}.log`, batchAt(readFileSync(`${segment}.log`), offset));
  for (const index of ['index', 'timeindex']) rmSync(`${segment}.${index}`, { force: true });
  await node.start();
}

/** Where the batch with this first offset begins (https://kafka.apache.org/documentation/#recordbatch). */
function batchAt(log: Buffer, offset: number): number {
  for (let at = 0; at < log.length; at += 12 + log.readInt32BE(at + 8)) if (Number(log.readBigInt64BE(at)) === offset) return at;
  throw new Error(`no batch begins at offset ${offset}`);
}
