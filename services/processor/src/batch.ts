/**
 * What a batch of raw records becomes: records to send, and the progress to commit after them. Pure but for yielding the
 * event loop.
 *
 * Invariants: output stands in raw order (offset, then index), which the sink's rule 4 needs; every object of every record
 * is in `processed`, in `dlq`, or counted as dropped or repeat.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KafkaRecord, OutRecord } from '@millrace/core/kafka/kafka.ts';
import { encodeOrigin, ORIGIN_HEADER, RAW_TIMESTAMP_HEADER } from '@millrace/core/record/origin.ts';
import type { Progress } from '@millrace/core/record/progress.ts';
import { encodeRedrive, REDRIVE_HEADER, redriveOf, redriveOfObject } from '@millrace/core/record/redrive.ts';
import { refusalRecord } from '@millrace/core/record/refusal.ts';
import { advance, draftOf, isRepeat, originTopicId, replayPositionOf } from './fold.ts';
import type { RefusedOutcome, Transform } from './transform.ts';

export interface BatchResult {
  processed: OutRecord[];
  dlq: OutRecord[];
  progress: Progress;
  /** Refusals with the offset of their record. */
  refusals: { offset: number; outcome: RefusedOutcome }[];
  /** Drops by filter name. */
  drops: Map<string, number>;
  unknownFields: number;
}

export interface BatchInput {
  topic: string;
  partition: number;
  records: readonly KafkaRecord[];
  /** Progress before the first record. */
  progress: Progress;
  transform: Transform;
  /** Bytes of a refused record beyond which the DLQ keeps only its beginning. */
  maxBytes: number;
  /** Checked between slices. */
  signal: AbortSignal;
}

/** Records between two turns of the event loop: a few milliseconds. */
const SLICE = 500;

/** Transforms a batch. @throws the signal's reason once it is aborted */
export async function transformBatch(input: BatchInput): Promise<BatchResult> {
  const { records, signal } = input;
  const result: BatchResult = {
    processed: [],
    dlq: [],
    progress: draftOf(input.progress),
    refusals: [],
    drops: new Map(),
    unknownFields: 0,
  };
  for (const [at, { offset, timestampMs, key, value, headers }] of records.entries()) {
    if (at % SLICE === 0 && at > 0) {
      await nextTurn();
      signal.throwIfAborted();
    }
    // A record from the log makes its parts anew each time that it is asked: here they are needed several times.
    const record: KafkaRecord = { offset, timestampMs, key, value, headers };
    const position = replayPositionOf(record);
    const transformed = isRepeat(result.progress, position) ? null : input.transform(record);
    if (transformed !== null) {
      const topicId = originTopicId(result.progress, record);
      result.unknownFields += transformed.unknownFields;
      const count = transformed.outcomes.length;
      const redrive = redriveOf(record.headers);
      for (const outcome of transformed.outcomes) {
        const origin = { topicId, offset: record.offset, index: outcome.index };
        const again = redrive === null || redrive === 'unreadable' ? null : redriveOfObject(redrive, outcome.index);
        switch (outcome.kind) {
          case 'row': {
            const headers = {
              [ORIGIN_HEADER]: encodeOrigin({ ...origin, count }),
              [RAW_TIMESTAMP_HEADER]: String(record.timestampMs),
              ...(again && { [REDRIVE_HEADER]: encodeRedrive(again) }),
            };
            result.processed.push({ key: record.key, value: outcome.value, headers });
            break;
          }
          case 'refused': {
            const { stage, reason, message, oversize, unreadable, value } = outcome;
            const { topic, partition } = input;
            const place = { topic, partition, origin, rawTimestampMs: record.timestampMs };
            const how = { ...(oversize && { oversize }), ...(unreadable && { unreadable }), ...(again && { redrive: again }) };
            const part = value === null ? {} : { part: true as const };
            const original = { key: record.key, value: value ?? record.value, headers: record.headers };
            result.dlq.push(refusalRecord({ stage, reason, message, ...place, ...how, ...part }, original, input.maxBytes));
            result.refusals.push({ offset: record.offset, outcome });
            break;
          }
          case 'dropped':
            result.drops.set(outcome.filter, (result.drops.get(outcome.filter) ?? 0) + 1);
        }
      }
    }
    advance(result.progress, record, position, transformed);
  }
  return result;
}
