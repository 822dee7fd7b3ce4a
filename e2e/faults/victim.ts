import { Cluster } from '@millrace/core/kafka/cluster.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { pino } from 'pino';
import type { Platform } from '../platform.ts';
import type { Random } from './random.ts';
import { until } from './until.ts';

/** Why a broker is the one, by a topic of which it leads a partition. */
const TOPICS = {
  /** It leads a partition with traffic. */
  leader: ({ loaded }: Platform, random: Random): string => {
    const { raw, processed } = namesOf(loaded.pipeline);
    return random.pick([raw, processed]);
  },
  /** It coordinates the consumer groups. */
  coordinator: (): string => '__consumer_offsets',
};

export type Victim = keyof typeof TOPICS;

/** Index among the platform's brokers of the one to hit, and how to call it. Waits for a topic that is being recreated. */
export async function victimOf(platform: Platform, which: Victim, random: Random): Promise<{ index: number; name: string }> {
  const topic = TOPICS[which](platform, random);
  const drawn = random.int(0, 2 ** 20);
  const { broker, kafka } = platform;
  const cluster = new Cluster({ brokers: broker.brokers, clientId: 'e2e', log: pino({ level: 'silent' }) });
  let partition = -1;
  let leader = -1;
  try {
    await until(`a partition of ${topic} has a leader`, 60_000, async () => {
      partition = drawn % ((await kafka.topic(topic))?.partitions ?? 1);
      leader = (await cluster.leader(topic, partition)).leader;
      return leader >= 0;
    });
  } finally {
    cluster.close();
  }
  return { index: broker.nodes.findIndex(({ id }) => id === leader), name: `broker ${leader}, which led ${topic}/${partition}` };
}

export const lacksBrokers = ({ broker }: Platform): string | null => (broker.nodes.length === 3 ? null : 'three brokers');
