/**
 * Headers of a raw record. `replay-position` is `<run>:<ordinal>`: which run of a replay or simulator, and which record
 * of it, counted from 0. Within one partition of one run ordinals grow, so that a repeat can be told (DESIGN 1.2 rule 6).
 */
export const SOURCE_HEADER = 'source';
export const RECEIVED_AT_HEADER = 'received-at';
export const MQTT_TOPIC_HEADER = 'mqtt-topic';
export const REPLAY_POSITION_HEADER = 'replay-position';
/** Why the source could not read this record (a broken csv row, as it stands): the processor refuses it with this text. */
export const UNREADABLE_HEADER = 'unreadable';

export interface ReplayPosition {
  run: string;
  ordinal: number;
}

export function encodeReplayPosition(position: ReplayPosition): string {
  return `${position.run}:${position.ordinal}`;
}

/** The position, or null where the text is none (a record that another writer put into the topic). */
export function decodeReplayPosition(text: string | undefined): ReplayPosition | null {
  const match = /^([A-Za-z0-9_-]{1,64}):(\d{1,16})$/.exec(text ?? '');
  return match ? { run: match[1] as string, ordinal: Number(match[2]) } : null;
}
