/**
 * Why partitions wait, for health, metrics and log.
 *
 * Invariant: a partition that could not be loaded or stored is named here from the first failure until the same step
 * succeeds or the partition belongs to another member.
 */
import { sqlStateOf } from '@millrace/core/database/errors.ts';
import type { PartitionState } from '@millrace/core/kafka/kafka.ts';
import type { WorkerHealth } from '@millrace/core/role/role.ts';
import { DlqError } from './dlq.ts';
import { RefusedWhole } from './isolate.ts';
import { HandedOver } from './owner.ts';

export const PAUSE_REASONS = [
  'connection',
  'missing',
  'rights',
  'full',
  'read_only',
  'timeout',
  'refused_whole',
  'handed_over',
  'dlq',
  'other',
] as const;
export type PauseReason = (typeof PAUSE_REASONS)[number];

export interface Pause {
  /** Which step failed. */
  at: 'load' | 'store';
  /** Of the position when a batch could not be stored; another one means that somebody stored it. null: not loaded. */
  version: number | null;
  reason: PauseReason;
  /** For people. */
  message: string;
}

/** PostgreSQL documentation, appendix A; the first that fits. */
const BY_SQL_STATE: readonly [RegExp, PauseReason][] = [
  [/^(08|57P)/, 'connection'],
  [/^(42P01|42703|42883|42P10|3F000|3D000)$/, 'missing'],
  [/^(42501|28)/, 'rights'],
  [/^53/, 'full'],
  [/^25006$/, 'read_only'],
  [/^(55P03|57014|25P03)$/, 'timeout'],
];

/** The class of an error: one of few words, for a metric's label. */
export function pauseReason(error: unknown): PauseReason {
  if (error instanceof RefusedWhole) return 'refused_whole';
  if (error instanceof HandedOver) return 'handed_over';
  if (error instanceof DlqError) return 'dlq';
  const state = sqlStateOf(error);
  if (state !== undefined) return BY_SQL_STATE.find(([pattern]) => pattern.test(state))?.[1] ?? 'other';
  // No answer from a server: a socket's error, or pg's own words for one.
  if (error instanceof AggregateError || (error instanceof Error && 'code' in error)) return 'connection';
  return error instanceof Error && /connect|timeout/i.test(error.message) ? 'connection' : 'other';
}

/**
 * The worker's health from the partitions that this member has, the pauses among them, and what the reader says of those
 * that wait for another cause (Kafka is away, a batch takes long).
 */
export function healthOf(partitions: readonly PartitionState[], pauses: ReadonlyMap<number, Pause>): WorkerHealth {
  if (partitions.length === 0) return { ready: true, phase: 'running', state: 'no partitions: waiting for the group' };
  const paused = partitions.flatMap(({ partition, state, reason }) => {
    const pause = pauses.get(partition);
    if (pause !== undefined) return [`partition ${partition}, ${pause.reason}): ${pause.message}`];
    return state === 'paused' ? [`partition ${partition}): ${reason}`] : [];
  });
  if (paused.length > 0) {
    const state = `paused: ${paused.length} of ${partitions.length} partitions (${paused[0]}`;
    return { ready: paused.length < partitions.length, phase: 'paused', state };
  }
  const loading = partitions.filter(({ state }) => state === 'loading').length;
  return {
    ready: true,
    phase: 'running',
    state: loading > 0 ? `reading; ${loading} of ${partitions.length} partitions loading` : 'reading',
  };
}
