/**
 * What the processor counted in one partition, by topic id and hour: the latest hours from its commit, earlier ones from the
 * ledger, where they were copied before they left the commit.
 *
 * Invariant: for the raw topic as it is now, these are the counts of the records before the committed offset and of no others,
 * also while the processor reads the log again from its beginning and the ledger knows more than it does.
 */
import { HOUR_MS } from '@millrace/core/record/hour.ts';
import { cutTopicId } from '@millrace/core/record/origin.ts';
import type { HourEntry } from '@millrace/core/record/progress.ts';
import type { LedgerRow, PartitionEvidence } from './evidence.ts';

export interface Counted {
  records: number;
  raw: number;
  rows: number;
  refused: number;
  dropped: number;
  repeats: number;
}

export interface CountedHours {
  topicId: string;
  /** false: of a topic that was deleted, or of what was cut from its log. What was counted last may not have been copied. */
  current: boolean;
  hours: Map<number, Counted>;
  /** Counted in hours that are not known any more. */
  rest: Counted;
}

const NOTHING: Counted = { records: 0, raw: 0, rows: 0, refused: 0, dropped: 0, repeats: 0 };

/** By topic id; one that neither processor nor sink counted is not there. */
export function countedOf({ ledger, progress }: Pick<PartitionEvidence, 'ledger' | 'progress'>): CountedHours[] {
  const now = progress === null ? null : cutTopicId(progress.topicId, progress.cuts.length);
  const byTopic = new Map<string, CountedHours>();
  const of = (topicId: string): CountedHours => {
    const found = byTopic.get(topicId) ?? { topicId, current: topicId === now, hours: new Map(), rest: NOTHING };
    byTopic.set(topicId, found);
    return found;
  };
  const newest = progress?.hours.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY;
  for (const row of ledger) {
    const hours = of(row.topicId);
    if (row.hour === null) hours.rest = fromLedger(row);
    // Later than all that was committed: counted by a processor that had read further than this one, which reads again.
    else hours.hours.set(row.hour, hours.current && row.hour > newest ? NOTHING : fromLedger(row));
  }
  for (const [at, entry] of (progress?.hours ?? []).entries()) {
    const { hours } = of(cutTopicId(progress?.topicId ?? '', entry[1]));
    const copied = hours.get(entry[0]);
    const counted = fromEntry(entry);
    // Its first hour may have begun before the records that this processor counts.
    const began = at === 0 && progress?.since !== 0 && copied !== undefined && copied.raw > counted.raw;
    if (!began && !(copied !== undefined && entry[1] < (progress?.cuts.length ?? 0) && copied.raw > counted.raw))
      hours.set(entry[0], counted);
  }
  return [...byTopic.values()];
}

function fromLedger({ records, raw, rows, processorRefused, dropped, processorRepeats }: LedgerRow): Counted {
  return { records, raw, rows, refused: processorRefused, dropped, repeats: processorRepeats };
}

function fromEntry([, , records, raw, rows, refused, dropped, repeats]: HourEntry): Counted {
  return { records, raw, rows, refused, dropped, repeats };
}

/** Start of an hour for people and programs; null for hours beyond what ISO 8601 writes. */
export function isoHour(hour: number): string | null {
  const date = new Date(hour * HOUR_MS);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
