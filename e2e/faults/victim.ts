import { Cluster } from '@millrace/core/kafka/cluster.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { pino } from 'pino';
import type { Platform } from '../platform.ts';
import type { Random } from './random.ts';
import { until } from './until.ts';

/** Why a broker is the one, by a partition that it leads. */
const PARTITIONS = {
  /** It leads a partition with traffic. */
  leader: async ({ loaded, kafka }: Platform, random: Random) => {
    const { raw, processed } = namesOf(loaded.pipeline);
    const topic = random.pick([raw, processed]);
    return { topic, partition: random.int(0, (await kafka.bounds(topic)).length - 1) };
  },
  /** It coordinates the consumer groups, which are all in one partition. */
  coordinator: async () => ({ topic: '__consumer_offsets', partition: 0 }),
};

export type Victim = keyof typeof PARTITIONS;

/** Index among the platform's brokers of the one to hit, and how to call it. */
export async function victimOf(platform: Platform, which: Victim, random: Random): Promise<{ index: number; name: string }> {
  const { topic, partition } = await PARTITIONS[which](platform, random);
  const { broker } = platform;
  const cluster = new Cluster({ brokers: broker.brokers, clientId: 'e2e', log: pino({ level: 'silent' }) });
  let leader = -1;
  try {
    await until(`${topic}/${partition} has a leader`, 60_000, async () => {
      leader = (await cluster.leader(topic, partition)).leader;
      return leader >= 0;
    });
  } finally {
    cluster.close();
  }
  return { index: broker.nodes.findIndex(({ id }) => id === leader), name: `broker ${leader}, which led ${topic}/${partition}` };
}

export const lacksBrokers = ({ broker }: Platform): string | null => (broker.nodes.length === 3 ? null : 'three brokers');
