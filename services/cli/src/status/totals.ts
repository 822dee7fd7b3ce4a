/**
 * The books of a Pipeline: what was read, and what became of it.
 *
 * Invariant (DESIGN 1.2 rule 8): read = stored + refused + dropped + repeats + merged + in flight, where read counts the records of
 * the raw topic since it began. The counters of the processor are committed with its offsets and those of the sink
 * with its rows, so that the sum holds whatever was killed.
 */
import type { Bounds } from '@millrace/core/kafka/kafka.ts';
import { many } from '../text.ts';
import type { Sample } from './sample.ts';

export interface Totals {
  /** Records of the raw topic. */
  read: number;
  /** Rows in the table. */
  stored: number;
  /** By processor and sink; each is a record in the DLQ. */
  refused: number;
  /** By a filter of the Pipeline. */
  dropped: number;
  /** Records that a restarted producer sent again, and that were left out. */
  repeats: number;
  /** Rows that `table.unique` merged into others. */
  merged: number;
  /** Records that the retention of a topic removed before they were stored. */
  lost: number;
  /** Records that processor and sink have not taken yet. */
  lagMessages: number;
}

export function totalsOf(sample: Sample): Totals {
  const unprocessed = lag(sample.raw.bounds, (partition) => sample.processor.get(partition)?.next);
  const unstored = lag(sample.processed.bounds, (partition) => sample.sink?.next.get(partition));
  const totals: Totals = {
    read: unprocessed,
    stored: sample.sink?.stored ?? 0,
    refused: sample.sink?.refused ?? 0,
    dropped: 0,
    repeats: 0,
    merged: sample.sink?.merged ?? 0,
    lost: sample.sink?.lost ?? 0,
    lagMessages: unprocessed + unstored,
  };
  for (const { progress } of sample.processor.values()) {
    totals.read += progress.raw;
    totals.refused += progress.refused;
    totals.dropped += progress.dropped;
    totals.repeats += progress.repeats;
  }
  return totals;
}

/** Records after `next` over all partitions; a partition without one counts from the start of its log. */
function lag(bounds: readonly Bounds[], next: (partition: number) => number | undefined): number {
  let records = 0;
  for (const [partition, { start, end }] of bounds.entries()) {
    records += Math.max(0, end - Math.max(start, next(partition) ?? start));
  }
  return records;
}

/** Records that are neither stored, refused, dropped, repeats nor merged: 0 when all is done and the books are right (lost ones show here). */
export function unaccounted(totals: Totals): number {
  return totals.read - totals.stored - totals.refused - totals.dropped - totals.repeats - totals.merged;
}

/**
 * What has to happen until every record that was sent is stored, and whatever is made of rows is as new as they are; null when nothing has to.
 *
 * Invariant: a sample is taken from the source to the table's end (`collect.ts` says how), so that null is never said
 * while a record is on its way.
 */
export function unfinished(sample: Sample): string | null {
  const unprocessed = lag(sample.raw.bounds, (partition) => sample.processor.get(partition)?.next);
  if (sample.raw.id === null) return `the topic ${sample.raw.name} is not there`;
  if (unprocessed > 0) return `the processor has ${many(unprocessed, 'record')} to take`;
  if (sample.processed.id === null) return `the topic ${sample.processed.name} is not there`;
  if (sample.sink === null) return `the table ${sample.table} is not set up`;
  const unstored = lag(sample.processed.bounds, (partition) => sample.sink?.next.get(partition));
  if (unstored > 0) return `the sink has ${many(unstored, 'record')} to store`;
  if (sample.sink.touched > 0) return `the roll-ups have ${many(sample.sink.touched, 'bucket')} to refresh`;
  const unsent = sample.latest?.unsent ?? 0;
  if (unsent > 0) return `the topic ${sample.latest?.name} lacks ${many(unsent, 'newest row')}`;
  return null;
}
