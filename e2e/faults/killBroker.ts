import { Cluster } from '@millrace/core/kafka/cluster.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { pino } from 'pino';
import type { Platform } from '../platform.ts';
import type { Fault } from './fault.ts';
import type { Random } from './random.ts';
import { until } from './until.ts';

/** Why a broker is the one to kill, and a partition that it leads then. */
const VICTIMS = {
  leader: async ({ loaded, kafka }: Platform, random: Random) => {
    const { raw, processed } = namesOf(loaded.pipeline);
    const topic = random.pick([raw, processed]);
    return { topic, partition: random.int(0, (await kafka.bounds(topic)).length - 1) };
  },
  // All groups are in its one partition.
  coordinator: async () => ({ topic: '__consumer_offsets', partition: 0 }),
};

/** SIGKILL of the broker that leads a partition with traffic, or that coordinates the consumer groups. */
export const killBroker = (which: keyof typeof VICTIMS): Fault => ({
  name: `kill ${which}`,
  target: 'brokers',
  lacks: ({ broker }) => (broker.nodes.length === 3 ? null : 'three brokers'),
  async happen(platform, random) {
    const { topic, partition } = await VICTIMS[which](platform, random);
    const id = await leaderOf(platform, topic, partition);
    await platform.kill(
      'broker',
      platform.broker.nodes.findIndex((node) => node.id === id),
    );
    return `broker ${id}, which led ${topic}/${partition}`;
  },
});

async function leaderOf({ broker }: Platform, topic: string, partition: number): Promise<number> {
  const cluster = new Cluster({ brokers: broker.brokers, clientId: 'e2e', log: pino({ level: 'silent' }) });
  let leader = -1;
  try {
    await until(`${topic}/${partition} has a leader`, 30_000, async () => {
      leader = (await cluster.leader(topic, partition)).leader;
      return leader >= 0;
    });
  } finally {
    cluster.close();
  }
  return leader;
}
