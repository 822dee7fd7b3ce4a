/**
 * How the processor's progress grows, record by record. Pure.
 *
 * Invariants (beside those of `core/record/progress.ts`):
 * - raw = rows + refused + dropped + repeats. `raw` counts the objects of records: a record that holds several ends in as
 *   many ends, any other record in one.
 * - A record of a replay that this partition has seen already (same run, ordinal not higher) is a repeat and ends there.
 * - After the log was cut under the same topic id, offsets are used a second time: records appended later than the cut get
 *   another origin, so that the sink does not take them for repeats; those before it get the origin they had.
 * - An hour that made room for a later one, or comes after that, is in the totals only, and never comes back.
 */
import { guarded } from '@millrace/core/guards.ts';
import type { KafkaRecord, Notice } from '@millrace/core/kafka/kafka.ts';
import { epochHour } from '@millrace/core/record/hour.ts';
import { cutTopicId } from '@millrace/core/record/origin.ts';
import { freshProgress, type HourEntry, hoursKept, type Progress } from '@millrace/core/record/progress.ts';
import { decodeReplayPosition, REPLAY_POSITION_HEADER, type ReplayPosition } from '@millrace/core/record/raw.ts';
import type { Transformed } from './transform.ts';

/** Where a record of a replay stands; null for any other record. */
export function replayPositionOf(record: Pick<KafkaRecord, 'headers'>): ReplayPosition | null {
  return decodeReplayPosition(record.headers[REPLAY_POSITION_HEADER]?.toString());
}

/** Whether a record with this replay position was seen before. */
export function isRepeat(progress: Progress, position: ReplayPosition | null): boolean {
  const seen = progress.replay;
  if (position === null || seen === null || position.run !== seen.run || position.ordinal > seen.ordinal) return false;
  return guarded('replay-position');
}

/** Topic id for the origin of a record: `<id>`, or `<id>~<n>` after the n-th cut. */
export function originTopicId(progress: Progress, record: Pick<KafkaRecord, 'timestampMs'>): string {
  return cutTopicId(progress.topicId, cutsBefore(progress, record.timestampMs));
}

function cutsBefore({ cuts }: Progress, timestampMs: number): number {
  return cuts.length === 0 || !guarded('cut-origin') ? 0 : cuts.filter((cutMs) => timestampMs > cutMs).length;
}

/** Progress after one more record; `transformed` is null for a repeat. */
export function advance(
  progress: Progress,
  record: Pick<KafkaRecord, 'timestampMs' | 'offset'>,
  position: ReplayPosition | null,
  transformed: Pick<Transformed, 'outcomes'> | null,
): Progress {
  const { timestampMs } = record;
  const of: HourEntry = [epochHour(timestampMs), cutsBefore(progress, timestampMs), 1, 1, 0, 0, 0, 1];
  if (transformed !== null) {
    of[3] = transformed.outcomes.length;
    of[7] = 0;
    for (const { kind } of transformed.outcomes) of[kind === 'row' ? 4 : kind === 'refused' ? 5 : 6]++;
  }
  const [, , records, raw, rows, refused, dropped, repeats] = of;
  const first = progress.since === null;
  return {
    ...progress,
    timestampMs,
    replay: transformed !== null && position !== null ? position : progress.replay,
    since: first ? (progress.raw > 0 ? 0 : record.offset) : progress.since,
    next: record.offset + 1,
    // An older processor counted no records: all before this one were.
    records: (first && progress.raw > 0 ? record.offset : progress.records) + records,
    raw: progress.raw + raw,
    rows: progress.rows + rows,
    refused: progress.refused + refused,
    dropped: progress.dropped + dropped,
    repeats: progress.repeats + repeats,
    hours: withHour(progress, of),
  };
}

/** The hours with one more record in its own, the earliest left out where there is no room. */
function withHour({ hours, cuts, records }: Progress, of: HourEntry): HourEntry[] {
  const [hour, generation] = of;
  let at = hours.length;
  for (; at > 0; at--) {
    const [otherHour, otherGeneration] = hours[at - 1] as HourEntry;
    if (otherHour === hour && otherGeneration === generation) {
      const sum = (hours[at - 1] as HourEntry).map((value, i) => (i < 2 ? value : value + (of[i] as number))) as HourEntry;
      return hours.with(at - 1, sum);
    }
    if (otherHour < hour || (otherHour === hour && otherGeneration < generation)) break;
  }
  const most = hoursKept(cuts.length);
  // Before the earliest: an hour that was left out must not come back with a part of its records.
  if (at === 0 && hours.length > 0 && (hours.length >= most || isFolded({ hours, records }))) return hours;
  return hours.toSpliced(at, 0, of).slice(-most);
}

/** Whether records were counted that are in no hour. */
function isFolded({ hours, records }: Pick<Progress, 'hours' | 'records'>): boolean {
  return hours.reduce((sum, [, , counted]) => sum + counted, 0) < records;
}

/**
 * Progress with which a partition goes on after something happened to its log. Counters start again where the log is read
 * again from its beginning: they are a function of the records before the offset.
 * @throws RangeError after 64 cuts of one topic, which progress has no room for
 */
export function afterNotice(progress: Progress, notice: Notice): Progress {
  switch (notice.kind) {
    case 'lost':
      return progress;
    case 'recreated':
      return freshProgress(notice.found, progress.processedId);
    case 'truncated': {
      const cuts = [...progress.cuts, notice.bookmark.timestampMs];
      if (cuts.length > 64) {
        throw new RangeError(
          `topic ${notice.topic} partition ${notice.partition} was cut ${cuts.length} times; allowed are 64: recreate the topic`,
        );
      }
      return { ...freshProgress(progress.topicId, progress.processedId), cuts };
    }
  }
}
