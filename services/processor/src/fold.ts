/**
 * How the processor's progress grows, record by record. Pure but for `advance`, which changes a draft.
 *
 * Invariants (beside those of `core/record/progress.ts`):
 * - A draft belongs to one pass over records, which made it by `draftOf`: progress that somebody else holds never changes.
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

/** A copy of progress for one pass over records, which `advance` changes; copies for each record cost CPU. */
export function draftOf(progress: Progress): Progress {
  return { ...progress, hours: progress.hours.map((entry): HourEntry => [...entry]) };
}

/** Counts one more record in a draft; `transformed` is null for a repeat. */
export function advance(
  draft: Progress,
  record: Pick<KafkaRecord, 'timestampMs' | 'offset'>,
  position: ReplayPosition | null,
  transformed: Pick<Transformed, 'outcomes'> | null,
): void {
  const { timestampMs, offset } = record;
  let raw = 1;
  let [rows, refused, dropped, repeats] = [0, 0, 0, 0];
  if (transformed === null) repeats = 1;
  else {
    raw = transformed.outcomes.length;
    for (const { kind } of transformed.outcomes) {
      if (kind === 'row') rows++;
      else if (kind === 'refused') refused++;
      else dropped++;
    }
    if (position !== null) draft.replay = position;
  }
  if (draft.since === null) {
    // An older processor counted no records: all before this one were.
    const isOlder = draft.raw > 0;
    draft.since = isOlder ? 0 : offset;
    if (isOlder) draft.records = offset;
  }
  const entry = hourOf(draft, epochHour(timestampMs), cutsBefore(draft, timestampMs));
  if (entry !== null) {
    entry[2]++;
    entry[3] += raw;
    entry[4] += rows;
    entry[5] += refused;
    entry[6] += dropped;
    entry[7] += repeats;
  }
  draft.timestampMs = timestampMs;
  draft.next = offset + 1;
  draft.records++;
  draft.raw += raw;
  draft.rows += rows;
  draft.refused += refused;
  draft.dropped += dropped;
  draft.repeats += repeats;
}

/**
 * The draft's entry of an hour, made where there is none, the earliest left out where there is no room for both.
 * Null: an hour before all that are kept, which counts in the totals only.
 */
function hourOf(draft: Progress, hour: number, generation: number): HourEntry | null {
  const { hours } = draft;
  let at = hours.length;
  for (; at > 0; at--) {
    const entry = hours[at - 1] as HourEntry;
    if (entry[0] === hour && entry[1] === generation) return entry;
    if (entry[0] < hour || (entry[0] === hour && entry[1] < generation)) break;
  }
  const most = hoursKept(draft.cuts.length);
  // Before the earliest: an hour that was left out must not come back with a part of its records.
  if (at === 0 && hours.length > 0 && (hours.length >= most || isFolded(draft))) return null;
  const entry: HourEntry = [hour, generation, 0, 0, 0, 0, 0, 0];
  hours.splice(at, 0, entry);
  hours.splice(0, hours.length - most);
  return entry;
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
