/** The three logs of one partition as streams of origins: raw records with what the spec makes of them, rows made, refusals. */
import type { Bounds, Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { decodeOrigin, ORIGIN_HEADER, RAW_TIMESTAMP_HEADER } from '@millrace/core/record/origin.ts';
import { freshProgress } from '@millrace/core/record/progress.ts';
import { placeId, redriveOf } from '@millrace/core/record/redrive.ts';
import { readRefusal } from '@millrace/core/record/refusal.ts';
import { advance, isRepeat, originTopicId, replayPositionOf } from '@millrace/processor/fold.ts';
import type { Transform } from '@millrace/processor/transform.ts';
import type { Made, Place, RawObject } from './merge.ts';

export interface LogPart {
  kafka: Kafka;
  topic: string;
  partition: number;
  bounds: Bounds;
  signal?: AbortSignal;
}

/**
 * The objects of raw records by the processor's own rules; repeats of a replay are left out, as it leaves them out.
 * @param cuts where the log was cut, as the processor committed them
 */
export async function* rawObjects(
  part: LogPart,
  rawId: string,
  cuts: readonly number[],
  transform: Transform,
): AsyncGenerator<RawObject> {
  const progress = { ...freshProgress(rawId, ''), cuts: [...cuts] };
  for await (const record of rangeOf(part)) {
    const position = replayPositionOf(record);
    const transformed = isRepeat(progress, position) ? null : transform(record);
    const topicId = originTopicId(progress, record);
    advance(progress, record, position, transformed);
    for (const outcome of transformed?.outcomes ?? []) {
      const value = outcome.kind === 'row' ? outcome.value : null;
      yield {
        topicId,
        offset: record.offset,
        index: outcome.index,
        kind: outcome.kind,
        value,
        rawTimestampMs: record.timestampMs,
      };
    }
  }
}

/** @param counts whether the processor had committed it */
export async function* madeRows(part: LogPart, counts: (place: Place) => boolean): AsyncGenerator<Made> {
  for await (const { offset: at, headers, value } of rangeOf(part)) {
    const header = headers[ORIGIN_HEADER];
    const origin = header === undefined ? null : originOf(header);
    // Another tool's record, which the sink refuses.
    if (origin === null || !counts(origin)) continue;
    const { topicId, offset, index } = origin;
    const redrive = redriveOf(headers);
    const redriven = redrive === null || redrive === 'unreadable' ? null : placeId(redrive);
    const rawTimestampMs =
      redrive === null || redrive === 'unreadable'
        ? Number(headers[RAW_TIMESTAMP_HEADER]?.toString('latin1'))
        : redrive.rawTimestampMs;
    yield { topicId, offset, index, value, rawTimestampMs, at, redriven };
  }
}

/** Refusals of the processor, or those of the database. */
export async function* refusalsBy(
  by: 'processor' | 'store',
  part: LogPart,
  counts: (place: Place) => boolean,
): AsyncGenerator<Made> {
  for await (const { offset: at, headers, value } of rangeOf(part)) {
    let refusal: ReturnType<typeof readRefusal>;
    try {
      refusal = readRefusal(headers);
    } catch {
      continue; // another tool's record: the audit in counts says how many there are
    }
    const { stage, origin, rawTimestampMs } = refusal;
    if ((stage === 'store') !== (by === 'store') || !counts(origin)) continue;
    yield { ...origin, value, rawTimestampMs, at, redriven: null, whole: refusal.part !== true && stage !== 'store' };
  }
}

function rangeOf({ kafka, topic, partition, bounds, signal }: LogPart): AsyncIterable<KafkaRecord> {
  return kafka.range(topic, partition, bounds.start, Math.max(bounds.start, bounds.end), signal);
}

function originOf(header: Buffer): Place | null {
  try {
    return decodeOrigin(header);
  } catch {
    return null;
  }
}
