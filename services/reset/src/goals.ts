/**
 * Up to which raw offset the new table has to be filled, by partition.
 *
 * Invariant: every raw record before a goal has ended in the new table, whatever the roles made of it; every one from the goal on
 * is still to be stored by a sink. The sink drops rows of records before the goal that are under way, since their
 * origin stands before the position that the swap gives it.
 */
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { decodeProgress, type Progress } from '@millrace/core/record/progress.ts';
import type { Origins } from '@millrace/sink/position.ts';
import { originsOf } from './books.ts';
import { uncut } from './reach.ts';

export interface Goal {
  /** Of the raw log. */
  start: number;
  /** Exclusive. */
  to: number;
  /** Where the processor stands; 0 where it has committed nothing for this topic. */
  processed: number;
  /** What it has counted up to there. */
  progress: Progress | null;
}

/** Last raw offset of this topic that rows were stored of, by what the sink noted; -1: none. */
function lastStored(origins: Origins, id: string): number {
  return Math.max(-1, ...[...origins].filter(([one]) => uncut(one) === id).map(([, { offset }]) => offset));
}

/**
 * Asks the processor's commits and the broker.
 * @param positions the sink's origins by partition
 */
export async function goalsOf(
  kafka: Kafka,
  names: { raw: string; processorGroup: string },
  id: string,
  positions: ReadonlyMap<number, Origins>,
): Promise<Goal[]> {
  const committed = await kafka.committed(names.processorGroup, names.raw);
  const bounds = await kafka.bounds(names.raw); // after the commits, which stand before it
  return bounds.map(({ start, end }, partition) => {
    const commit = committed.get(partition);
    const progress = commit === undefined ? null : decodeProgress(commit.metadata);
    const isOurs = commit !== undefined && progress?.topicId === id;
    const processed = isOurs ? Math.min(commit.offset, end) : 0;
    const to = Math.min(end, Math.max(processed, lastStored(positions.get(partition) ?? new Map(), id) + 1));
    return { start, to, processed, progress: isOurs ? progress : null };
  });
}

/** Origins of a Pipeline's positions, by partition. @param rows of `millrace.positions` */
export function positionsOf(
  rows: readonly { partition: number; origins: Record<string, [number, number, number]> }[],
): Map<number, Origins> {
  return new Map(rows.map(({ partition, origins }) => [partition, originsOf(origins)]));
}

/** The largest index that an origin can have: the whole record is behind. */
const WHOLE_RECORD = 999_999_999;

/** The origins of a position once the new table holds all records before a goal. */
export function originsAfter(before: Origins, id: string, cuts: number, to: number, version: number): Origins {
  if (to === 0) return before;
  const after = new Map(before);
  for (let cut = 0; cut <= cuts; cut++) {
    const one = cut === 0 ? id : `${id}~${cut}`;
    const known = before.get(one);
    if (known === undefined || known.offset < to) after.set(one, { offset: to - 1, index: WHOLE_RECORD, version });
  }
  return after;
}
