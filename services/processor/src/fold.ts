/**
 * How the processor's progress grows, record by record. Pure.
 *
 * Invariants (beside those of `core/record/progress.ts`):
 * - raw = rows + refused + dropped + repeats. `raw` counts the objects of records: a record that holds several ends in as
 *   many ends, any other record in one.
 * - A record of a replay that this partition has seen already (same run, ordinal not higher) is a repeat and ends there.
 * - After the log was cut under the same topic id, offsets are used a second time: records appended later than the cut get
 *   another origin, so that the sink does not take them for repeats; those before it get the origin they had.
 */
import type { KafkaRecord, Notice } from '@millrace/core/kafka/kafka.ts';
import { freshProgress, type Progress } from '@millrace/core/record/progress.ts';
import { decodeReplayPosition, REPLAY_POSITION_HEADER, type ReplayPosition } from '@millrace/core/record/raw.ts';
import type { Transformed } from './transform.ts';

/** Where a record of a replay stands; null for any other record. */
export function replayPositionOf(record: Pick<KafkaRecord, 'headers'>): ReplayPosition | null {
  return decodeReplayPosition(record.headers[REPLAY_POSITION_HEADER]?.toString());
}

/** Whether a record with this replay position was seen before. */
export function isRepeat(progress: Progress, position: ReplayPosition | null): boolean {
  const seen = progress.replay;
  return position !== null && seen !== null && position.run === seen.run && position.ordinal <= seen.ordinal;
}

/** Topic id for the origin of a record: `<id>`, or `<id>~<n>` after the n-th cut. */
export function originTopicId(progress: Progress, record: Pick<KafkaRecord, 'timestampMs'>): string {
  const cuts = progress.cuts.filter((cutMs) => record.timestampMs > cutMs).length;
  return cuts === 0 ? progress.topicId : `${progress.topicId}~${cuts}`;
}

/** Progress after one more record; `transformed` is null for a repeat. */
export function advance(
  progress: Progress,
  record: Pick<KafkaRecord, 'timestampMs'>,
  position: ReplayPosition | null,
  transformed: Pick<Transformed, 'outcomes'> | null,
): Progress {
  const next = { ...progress, timestampMs: record.timestampMs };
  if (transformed === null) {
    next.raw++;
    next.repeats++;
    return next;
  }
  if (position !== null) next.replay = position;
  for (const { kind } of transformed.outcomes) {
    next.raw++;
    if (kind === 'row') next.rows++;
    else if (kind === 'refused') next.refused++;
    else next.dropped++;
  }
  return next;
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
