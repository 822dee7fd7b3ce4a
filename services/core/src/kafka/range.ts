/** Reads a piece of one partition without joining a group: nothing is left behind at the broker. */
import type { Cluster } from './cluster.ts';
import { KafkaError, typeOf } from './errors.ts';
import { fetchRequest } from './fetch.ts';
import type { KafkaRecord } from './kafka.ts';
import { persist } from './retry.ts';

const WAIT_MS = 100;
const WITHIN_MS = 15_000;

/**
 * Records with offset in [from, to), ending earlier where the log ends; at most one answer (1 MiB) is in memory.
 * @throws KafkaError where `from` lies outside the log, or the leader does not answer for 15 s; the signal's reason
 */
export async function* readRange(
  cluster: Cluster,
  topic: string,
  partition: number,
  from: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<KafkaRecord> {
  for (let at = from; at < to; ) {
    const fetched = await persist(
      () =>
        cluster.onLeader(topic, partition, async (link) => {
          const [answer] = await link.sendFetch(fetchRequest(topic, new Map([[partition, at]]), WAIT_MS));
          if (!answer) throw new KafkaError(`the answer has no partition ${partition}`, { retriable: true });
          if (answer.outcome instanceof Error) throw answer.outcome;
          return answer.outcome;
        }),
      {
        withinMs: WITHIN_MS,
        what: `${cluster.name} did not give offset ${at} of ${topic}/${partition}`,
        giveUp: (error) => typeOf(error) === 'OFFSET_OUT_OF_RANGE',
        ...(signal ? { signal } : {}),
      },
    );
    for (const record of fetched.decode()) {
      if (record.offset >= to) return;
      yield record;
    }
    if (fetched.next === at && at >= fetched.end) return;
    at = fetched.next;
  }
}
