/** From a record of the input to the record that is sent, and to which topic. */
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import {
  encodeReplayPosition,
  RECEIVED_AT_HEADER,
  REPLAY_POSITION_HEADER,
  type ReplayPosition,
  SOURCE_HEADER,
  UNREADABLE_HEADER,
} from '@millrace/core/record/raw.ts';
import { refusalRecord } from '@millrace/core/record/refusal.ts';
import type { MadeRecord } from './input.ts';

const MAX_REASON = 1_000;

export interface OutgoingContext {
  source: string;
  nowMs: number;
  position: ReplayPosition;
  /** The raw topic, its id, and the partition that the key has there. */
  topic: string;
  topicId: string;
  partition: number;
  maxBytes: number;
}

/** The raw record of a made one. */
export function rawRecord({ key, value, unreadable }: MadeRecord, { source, nowMs, position }: OutgoingContext): OutRecord {
  const headers: Record<string, string> = {
    [SOURCE_HEADER]: source,
    [RECEIVED_AT_HEADER]: String(nowMs),
    [REPLAY_POSITION_HEADER]: encodeReplayPosition(position),
  };
  if (unreadable !== undefined) headers[UNREADABLE_HEADER] = unreadable.slice(0, MAX_REASON);
  return { key, value, headers };
}

/**
 * The DLQ record of one that is too large for the raw topic. It has no raw offset: its identity is `<topic id>~<run>` and
 * its ordinal, which a repeat after a crash has as well, and no other record can have.
 */
export function oversizeRecord(made: MadeRecord, length: number, sha256: string, context: OutgoingContext): OutRecord {
  const { topic, topicId, partition, position, maxBytes, nowMs } = context;
  const refusal = {
    stage: 'decode',
    reason: 'size',
    message: `the record ${made.place ?? `number ${position.ordinal}`} has ${length} bytes; allowed are at most ${maxBytes} (record.maxBytes)`,
    topic,
    partition,
    origin: { topicId: `${topicId}~${position.run}`, offset: position.ordinal, index: 0 },
    rawTimestampMs: nowMs,
  } as const;
  const record = refusalRecord(refusal, { key: made.key, value: made.value }, Number.MAX_SAFE_INTEGER);
  record.headers['millrace.error.length'] = String(length);
  record.headers['millrace.error.sha256'] = sha256;
  return record;
}
