/**
 * The ledger: what became of processed records, by partition, raw topic id and hour of the raw record's append time
 * (DESIGN 1.2 rule 8). The processor's share is copied beside it by `processorShare.ts`.
 *
 * Invariant: the counters are written in the transaction of the rows they count, so that they are exact whatever is killed.
 */
import { literal } from '@millrace/core/database/identifier.ts';
import { epochHour, HOUR_MS } from '@millrace/core/record/hour.ts';

export interface Counts {
  stored: number;
  refused: number;
  /** Processed records that were stored or merged before: the raw record is counted there. */
  repeats: number;
  /** Rows that `unique` merged into others: a raw record of their own, and no row more in the table. */
  merged: number;
  lost: number;
}

/** Counts by raw topic id, and by hour (epoch seconds of its start). */
export type Hours = Map<string, Map<number, Counts>>;

/** The counts, one after the other, those of a topic id together. */
export function entriesOf(hours: Hours): { topicId: string; hour: number; counts: Counts }[] {
  return [...hours].flatMap(([topicId, of]) => [...of].map(([hour, counts]) => ({ topicId, hour, counts })));
}

export function hourOf(timestampMs: number): number {
  return (epochHour(timestampMs) * HOUR_MS) / 1000;
}

/** @param topicId as in the record's origin */
export function count(hours: Hours, topicId: string, timestampMs: number, what: keyof Counts, by = 1): void {
  if (by === 0) return;
  const hour = hourOf(timestampMs);
  const of = hours.get(topicId) ?? new Map<number, Counts>();
  if (of.size === 0) hours.set(topicId, of);
  const counts = of.get(hour);
  if (counts === undefined) of.set(hour, { stored: 0, refused: 0, repeats: 0, merged: 0, lost: 0, [what]: by });
  else counts[what] += by;
}

/** Takes rows that were merged out of those that count as stored. @param merged rows by ledger hour */
export function countMerged(hours: Hours, merged: ReadonlyMap<number, number>): void {
  for (const [hour, rows] of merged) {
    let left = rows;
    // Which of two raw topics' rows of an hour the database merged is not known, and no sum depends on it.
    for (const { counts } of entriesOf(hours).filter((entry) => entry.hour === hour)) {
      const by = Math.min(left, counts.stored);
      counts.stored -= by;
      counts.merged += by;
      left -= by;
    }
    if (left !== 0) throw new Error(`${rows} rows of hour ${hour} were merged, ${left} more than were written`);
  }
}

/** SQL that adds the counts; null where there is nothing to add. Keys in order, so that two transactions never deadlock. */
export function ledgerSql(pipeline: string, partition: number, hours: Hours): string | null {
  if (hours.size === 0) return null;
  const rows = entriesOf(hours)
    .sort((a, b) => (a.topicId === b.topicId ? a.hour - b.hour : a.topicId < b.topicId ? -1 : 1))
    .map(({ topicId, hour, counts: { stored, refused, repeats, merged, lost } }) => {
      return `(${literal(pipeline)}, ${partition}, ${literal(topicId)}, to_timestamp(${hour}), ${stored}, ${refused}, ${repeats}, ${merged}, ${lost})`;
    });
  return `INSERT INTO millrace.ledger AS kept (pipeline, partition, topic_id, hour, stored, refused, repeats, merged, lost)
    VALUES ${rows.join(', ')}
    ON CONFLICT (pipeline, partition, topic_id, hour) DO UPDATE SET stored = kept.stored + EXCLUDED.stored,
      refused = kept.refused + EXCLUDED.refused, repeats = kept.repeats + EXCLUDED.repeats,
      merged = kept.merged + EXCLUDED.merged, lost = kept.lost + EXCLUDED.lost`;
}
