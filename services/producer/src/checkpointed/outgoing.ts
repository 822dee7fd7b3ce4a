/** From a record of the input to the raw record that is sent. */
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import {
  encodeReplayPosition,
  encodeUnreadable,
  RECEIVED_AT_HEADER,
  REPLAY_POSITION_HEADER,
  type ReplayPosition,
  SOURCE_HEADER,
} from '@millrace/core/record/raw.ts';
import type { MadeRecord } from './input.ts';

export interface OutgoingContext {
  source: string;
  nowMs: number;
  position: ReplayPosition;
}

/** The raw record of a made one. */
export function rawRecord({ key, value, unreadable }: MadeRecord, { source, nowMs, position }: OutgoingContext): OutRecord {
  const headers: Record<string, string> = {
    [SOURCE_HEADER]: source,
    [RECEIVED_AT_HEADER]: String(nowMs),
    [REPLAY_POSITION_HEADER]: encodeReplayPosition(position),
    ...(unreadable && encodeUnreadable(unreadable)),
  };
  return { key, value, headers };
}
