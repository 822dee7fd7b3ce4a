/** The state of topics and logs as brokers tell it. */
import type { Cluster } from './cluster.ts';
import { errorOf, KafkaError } from './errors.ts';
import type { Bounds } from './kafka.ts';
import type { Link } from './link.ts';
import type { TopicMetadata } from './metadata.ts';
import type { LogState } from './resume.ts';

const EARLIEST = -2;
const LATEST = -1;
const READ_UNCOMMITTED = 0;

export interface Located extends LogState {
  /** Partitions of the topic. */
  partitions: number;
  leaderEpoch: number;
}

/** The topic as this broker knows it. @throws KafkaError where it knows none (retriable) or must not tell. */
export async function topicOf(cluster: Cluster, link: Link, topic: string): Promise<TopicMetadata> {
  const [found] = (await cluster.metadataOf(link, [topic])).topics;
  if (!found || found.errorCode === 3)
    throw new KafkaError(`there is no topic ${topic}`, { type: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true });
  const error = errorOf(found.errorCode);
  if (error) throw error;
  return found;
}

/**
 * Id and bounds of one partition's log, from its leader.
 * Invariant: the bounds are those of the log with this id and leader epoch, since both are asked before and after them.
 */
export async function locate(cluster: Cluster, topic: string, partition: number): Promise<Located> {
  return cluster.onLeader(topic, partition, async (link) => {
    const before = await topicOf(cluster, link, topic);
    const bounds = (await boundsOf(link, topic, [partition])).get(partition);
    const after = await topicOf(cluster, link, topic);
    const leaderEpoch = epochOf(after, partition);
    if (!bounds || before.id !== after.id || epochOf(before, partition) !== leaderEpoch)
      throw new KafkaError(`topic ${topic} changed while it was looked at`, { retriable: true });
    return { topicId: after.id, partitions: after.partitions.length, leaderEpoch, ...bounds };
  });
}

export function epochOf(topic: TopicMetadata, partition: number): number {
  const found = topic.partitions.find((one) => one.partition === partition);
  if (!found)
    throw new KafkaError(`topic ${topic.name} has no partition ${partition}`, {
      type: 'UNKNOWN_TOPIC_OR_PARTITION',
      retriable: true,
    });
  return found.leaderEpoch;
}

/** Bounds of all partitions, by partition number. @throws KafkaError where there is no such topic. */
export async function bounds(cluster: Cluster, topic: string): Promise<Bounds[]> {
  const { partitions } = await cluster.onAny((link) => topicOf(cluster, link, topic));
  const byLeader = Map.groupBy(partitions, ({ leader }) => leader);
  const answers = await Promise.all(
    [...byLeader].map(([leader, led]) =>
      cluster.onNode(leader, topic, (link) =>
        boundsOf(
          link,
          topic,
          led.map(({ partition }) => partition),
        ),
      ),
    ),
  );
  const all = new Map(answers.flatMap((answer) => [...answer]));
  return partitions
    .map(({ partition }) => partition)
    .sort((a, b) => a - b)
    .map((partition) => {
      const found = all.get(partition);
      if (!found) throw new KafkaError(`${cluster.name} did not tell the offsets of ${topic}/${partition}`, { retriable: true });
      return found;
    });
}

async function boundsOf(link: Link, topic: string, partitions: number[]): Promise<Map<number, Bounds>> {
  const ask = async (timestamp: number) => {
    const { responses } = await link.broker.listOffsets({
      replicaId: -1,
      isolationLevel: READ_UNCOMMITTED,
      topics: [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }],
    });
    return new Map(
      responses.flatMap((response) => response.partitions).map(({ partition, offset }) => [partition, Number(offset)]),
    );
  };
  const starts = await ask(EARLIEST);
  const ends = await ask(LATEST);
  const found = new Map<number, Bounds>();
  for (const partition of partitions) {
    const start = starts.get(partition);
    const end = ends.get(partition);
    if (start !== undefined && end !== undefined && start >= 0 && end >= start) found.set(partition, { start, end });
  }
  return found;
}
