import type { PartitionState } from '@millrace/core/kafka/kafka.ts';
import type { WorkerHealth } from '@millrace/core/role/role.ts';

/** Partitions that wait because of an error. */
export function pausedOf(partitions: readonly PartitionState[]): PartitionState[] {
  return partitions.filter(({ state }) => state === 'paused');
}

/** Whether a reader does its work, in one line for people. Without partitions it stands by, and is ready. Pure. */
export function healthOf(partitions: readonly PartitionState[]): WorkerHealth {
  const paused = pausedOf(partitions);
  const first = paused[0];
  if (first) {
    const numbers = paused.map(({ partition }) => partition).join(', ');
    const reason = first.reason ?? 'no reason given';
    return { ready: false, phase: 'paused', state: `paused: partition ${numbers}: ${reason}` };
  }
  const loading = partitions.filter(({ state }) => state === 'loading').length;
  if (loading > 0) return { ready: false, phase: 'starting', state: `loading ${loading} of ${partitions.length} partitions` };
  if (partitions.length === 0) return { ready: true, phase: 'running', state: 'standing by: no partition assigned' };
  return { ready: true, phase: 'running', state: `reading ${partitions.length} partitions` };
}
