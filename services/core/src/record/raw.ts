/**
 * Headers of a raw record. `replay-position` is `<run>:<ordinal>`: which run of a replay or simulator, and which record
 * of it, counted from 0. Within one partition of one run ordinals grow, so that a repeat can be told (DESIGN 1.2 rule 6).
 */
import { createHash } from 'node:crypto';

export const SOURCE_HEADER = 'source';
export const RECEIVED_AT_HEADER = 'received-at';
export const REPLAY_POSITION_HEADER = 'replay-position';
export const UNREADABLE_HEADER = 'unreadable';
const LENGTH_HEADER = 'original-length';
const SHA256_HEADER = 'original-sha256';

/** The most objects one raw record may hold: a megabyte of `[0,0,…]` must not become half a million refusals. */
export const MAX_OBJECTS = 10_000;

/** Room for the text in a raw record, whatever its place is called. */
const MAX_MESSAGE = 2_000;

/** A record of which only the beginning is kept: bytes of the whole, and its sha256 in hexadecimal digits. */
export interface Oversize {
  length: number;
  sha256: string;
}

/** What is kept of a record beside its beginning. */
export function oversizeOf(bytes: Buffer): Oversize {
  return { length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Why the source could not read a record, which is sent all the same: the processor refuses it with this text. */
export interface Unreadable {
  /** For a person: the place in the source, what stands there, what is allowed. */
  message: string;
  /** Set where the record is too large: the raw record's value is its beginning. */
  oversize?: Oversize;
}

/** Headers `unreadable`, and `original-length` and `original-sha256` where the record is too large. */
export function encodeUnreadable({ message, oversize }: Unreadable): Record<string, string> {
  const headers = { [UNREADABLE_HEADER]: message.slice(0, MAX_MESSAGE) };
  return oversize ? { ...headers, [LENGTH_HEADER]: String(oversize.length), [SHA256_HEADER]: oversize.sha256 } : headers;
}

/** What those headers say; null where there are none. A length that is no number (of another writer) is none. */
export function decodeUnreadable(headers: Readonly<Record<string, Buffer>>): Unreadable | null {
  const message = headers[UNREADABLE_HEADER]?.toString();
  if (message === undefined) return null;
  const length = /^\d{1,15}$/.exec(headers[LENGTH_HEADER]?.toString() ?? '')?.[0];
  const sha256 = /^[0-9a-f]{64}$/.exec(headers[SHA256_HEADER]?.toString() ?? '')?.[0];
  return length === undefined || sha256 === undefined ? { message } : { message, oversize: { length: Number(length), sha256 } };
}

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
