/**
 * The ledger: what became of processed records, by partition and hour of the raw record's append time (DESIGN 1.2 rule 8).
 *
 * Invariant: the counters are written in the transaction of the rows they count, so that they are exact whatever is killed.
 */
import { literal } from '@millrace/core/database/identifier.ts';

export interface Counts {
  stored: number;
  refused: number;
  /** Processed records that were stored or merged before: the raw record is counted there. */
  repeats: number;
  /** Rows that `unique` merged into others: a raw record of their own, and no row more in the table. */
  merged: number;
  lost: number;
}

export const HOUR_MS = 3_600_000;
/** Years 1 to 9999. A create time beyond (microseconds where milliseconds belong) counts in the first or last hour. */
const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;

/** Counts by hour (epoch seconds of its start). */
export type Hours = Map<number, Counts>;

export function hourOf(timestampMs: number): number {
  return (Math.floor(Math.min(LAST_MS, Math.max(FIRST_MS, timestampMs)) / HOUR_MS) * HOUR_MS) / 1000;
}

export function count(hours: Hours, timestampMs: number, what: keyof Counts, by = 1): void {
  if (by === 0) return;
  const hour = hourOf(timestampMs);
  const counts = hours.get(hour) ?? { stored: 0, refused: 0, repeats: 0, merged: 0, lost: 0 };
  counts[what] += by;
  hours.set(hour, counts);
}

/** SQL that adds the counts; null where there is nothing to add. Hours in order, so that two transactions never deadlock. */
export function ledgerSql(pipeline: string, partition: number, hours: Hours): string | null {
  if (hours.size === 0) return null;
  const rows = [...hours]
    .sort(([a], [b]) => a - b)
    .map(([hour, { stored, refused, repeats, merged, lost }]) => {
      return `(${literal(pipeline)}, ${partition}, to_timestamp(${hour}), ${stored}, ${refused}, ${repeats}, ${merged}, ${lost})`;
    });
  return `INSERT INTO millrace.ledger AS kept (pipeline, partition, hour, stored, refused, repeats, merged, lost)
    VALUES ${rows.join(', ')}
    ON CONFLICT (pipeline, partition, hour) DO UPDATE SET stored = kept.stored + EXCLUDED.stored,
      refused = kept.refused + EXCLUDED.refused, repeats = kept.repeats + EXCLUDED.repeats,
      merged = kept.merged + EXCLUDED.merged, lost = kept.lost + EXCLUDED.lost`;
}
