/**
 * How long records have waited for a role: what lag alerts are about, in seconds.
 *
 * Invariants: never negative, and never more than was seen: a partition counts by the append time of the oldest record
 * that the role holds and has not finished, or, while it is between two batches and more is waiting, by that of the last one it
 * finished. A partition of which nothing was seen yet does not count.
 */
import type { Batch, PartitionState } from '../kafka/kafka.ts';

export interface LagWatch {
  /** Does the work of one batch. What fails stays waiting until the partition is taken away or the work is done. */
  handle(batch: Pick<Batch, 'partition' | 'records'>, work: () => Promise<void>): Promise<void>;
  /** The longest wait over the partitions that the role has now, in seconds. */
  seconds(partitions: readonly PartitionState[], nowMs: number): number;
}

export function watchLag(): LagWatch {
  /** By partition, append time (epoch ms) of the first record in hand, and of the last one that was finished. */
  const held = new Map<number, number>();
  const finished = new Map<number, number>();
  return {
    async handle({ partition, records }, work) {
      const [first] = records;
      const last = records.at(-1);
      if (first) held.set(partition, first.timestampMs);
      await work();
      held.delete(partition);
      if (last) finished.set(partition, last.timestampMs);
    },
    seconds(partitions, nowMs) {
      const own = new Set(partitions.map(({ partition }) => partition));
      for (const known of [held, finished])
        for (const partition of known.keys()) if (!own.has(partition)) known.delete(partition);
      const since = partitions.flatMap(({ partition, next, end }) => {
        const more = next !== null && end !== null && next < end;
        return held.get(partition) ?? (more ? (finished.get(partition) ?? []) : []);
      });
      return Math.max(0, ...since.map((sinceMs) => (nowMs - sinceMs) / 1_000));
    },
  };
}
