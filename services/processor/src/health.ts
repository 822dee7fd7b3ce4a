import type { PartitionState } from '@millrace/core/kafka/kafka.ts';

export interface ReaderHealth {
  ready: boolean;
  state: string;
  /** Partitions that wait because of an error. */
  paused: number;
}

/** Whether a reader does its work, in one line for people. Without partitions it stands by, and is ready. Pure. */
export function healthOf(partitions: readonly PartitionState[]): ReaderHealth {
  const paused = partitions.filter(({ state }) => state === 'paused');
  const first = paused[0];
  if (first) {
    const numbers = paused.map(({ partition }) => partition).join(', ');
    const reason = first.reason ?? 'no reason given';
    return { ready: false, state: `paused: partition ${numbers}: ${reason}`, paused: paused.length };
  }
  const loading = partitions.filter(({ state }) => state === 'loading').length;
  if (loading > 0) return { ready: false, state: `loading ${loading} of ${partitions.length} partitions`, paused: 0 };
  if (partitions.length === 0) return { ready: true, state: 'standing by: no partition assigned', paused: 0 };
  return { ready: true, state: `reading ${partitions.length} partitions`, paused: 0 };
}
