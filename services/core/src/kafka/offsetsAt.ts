/** Where a time begins in a topic's logs, as their leaders tell it. */
import type { Cluster } from './cluster.ts';
import { KafkaError } from './errors.ts';
import { topicOf } from './locate.ts';

const READ_UNCOMMITTED = 0;

/**
 * By partition number the offset of the first record whose time is not before `timestampMs`; null where there is none.
 * Where times go backwards in a log, records before that offset may be later, and records after it earlier.
 * @throws KafkaError where there is no such topic (ListOffsets, https://kafka.apache.org/protocol#The_Messages_ListOffsets)
 */
export async function offsetsAt(cluster: Cluster, topic: string, timestampMs: number): Promise<(number | null)[]> {
  const { partitions } = await cluster.onAny((link) => topicOf(cluster, link, topic));
  const answers = await Promise.all(
    [...Map.groupBy(partitions, ({ leader }) => leader)].map(([leader, led]) =>
      cluster.onNode(leader, topic, async (link) => {
        const { responses } = await link.broker.listOffsets({
          replicaId: -1,
          isolationLevel: READ_UNCOMMITTED,
          topics: [{ topic, partitions: led.map(({ partition }) => ({ partition, timestamp: timestampMs })) }],
        });
        return responses.flatMap((response) => response.partitions);
      }),
    ),
  );
  const found = new Map(answers.flat().map(({ partition, offset }) => [partition, Number(offset)]));
  return partitions
    .map(({ partition }) => partition)
    .sort((a, b) => a - b)
    .map((partition) => {
      const offset = found.get(partition);
      if (offset === undefined)
        throw new KafkaError(`${cluster.name} did not tell the offsets of ${topic}/${partition}`, { retriable: true });
      return offset < 0 ? null : offset;
    });
}
