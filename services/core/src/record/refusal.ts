/**
 * A refusal: what becomes a DLQ record (DESIGN 1.1). Value and key are the original bytes, the reason is in headers.
 *
 * Invariant: what is refused is an object of a raw record, identified by (raw topic id, partition, offset, index) of the
 * record that was refused first. A kill, another rule or a redrive that fails again can repeat a refusal in the topic;
 * readers show it once, the newest of them.
 */

import type { KafkaRecord, OutRecord } from '../kafka/kafka.ts';
import { MQTT_TOPIC_HEADER } from './mqttTopic.ts';
import type { Origin } from './origin.ts';
import { type Oversize, oversizeOf, RECEIVED_AT_HEADER } from './raw.ts';
import { encodeRedrive, type ObjectPlace, placeId, REDRIVE_HEADER, type Redrive, redriveOf } from './redrive.ts';

export type Stage = 'decode' | 'validate' | 'derive' | 'filter' | 'store';

export interface Refusal {
  stage: Stage;
  /** A short, countable word: `missing`, `range`, `type`, `parse`, an SQLSTATE … */
  reason: string;
  /** For a person: the field, the offending value, what is allowed. */
  message: string;
  /** Topic of the bytes in this record: raw, or processed for the stage `store`. */
  topic: string;
  partition: number;
  /** Of the raw record, whatever the topic. */
  origin: Omit<Origin, 'count'>;
  /** Append time of the raw record, epoch ms. */
  rawTimestampMs: number;
  /** Set where the bytes in this record are only the beginning of the original. */
  oversize?: Oversize;
  /** Set where the bytes in this record are one object of several that the raw record held, as JSON. */
  part?: true;
  /** Set where the source could not read the record: its bytes are no raw record that could become rows. */
  unreadable?: true;
  /** Set where the raw record was a redriven one: which refusal it came from. */
  redrive?: Redrive;
}

const PREFIX = 'millrace.error.';
/** Of a refusal that a reprocessing met (`millrace reset`): no role has counted it. */
export const RESET_HEADER = 'millrace.reset';
const MAX_MESSAGE = 2_000;
const KEPT_BYTES = 65_536;

/**
 * The DLQ record of a refusal; bytes over `maxBytes` are cut to 64 KiB. Where they are cut, here or by the source
 * before, length and sha256 of the original are in the headers.
 */
export function refusalRecord(
  refusal: Refusal,
  original: Pick<KafkaRecord, 'key' | 'value'> & Partial<Pick<KafkaRecord, 'headers'>>,
  maxBytes: number,
): OutRecord {
  const headers: Record<string, string> = {
    ...keptHeaders(original),
    [`${PREFIX}stage`]: refusal.stage,
    [`${PREFIX}reason`]: refusal.reason,
    [`${PREFIX}message`]: refusal.message.slice(0, MAX_MESSAGE),
    [`${PREFIX}topic`]: refusal.topic,
    [`${PREFIX}topic-id`]: refusal.origin.topicId,
    [`${PREFIX}partition`]: String(refusal.partition),
    [`${PREFIX}offset`]: String(refusal.origin.offset),
    [`${PREFIX}index`]: String(refusal.origin.index),
    [`${PREFIX}timestamp`]: String(refusal.rawTimestampMs),
  };
  if (refusal.part) headers[`${PREFIX}part`] = 'true';
  if (refusal.unreadable) headers[`${PREFIX}unreadable`] = 'true';
  if (refusal.redrive) headers[REDRIVE_HEADER] = encodeRedrive(refusal.redrive);
  const { key, value } = original;
  const tooLarge = value !== null && value.length > maxBytes;
  const oversize = refusal.oversize ?? (tooLarge ? oversizeOf(value) : null);
  if (oversize) {
    headers[`${PREFIX}length`] = String(oversize.length);
    headers[`${PREFIX}sha256`] = oversize.sha256;
  }
  return { key, value: tooLarge ? value.subarray(0, KEPT_BYTES) : value, headers };
}

/** What a spec may read beside the value: without the topic that it came under, or with another time of receipt, a redriven record is another one. */
const KEPT_HEADERS = [MQTT_TOPIC_HEADER, RECEIVED_AT_HEADER];

/** The headers that stay with a record when it is refused and redriven. */
export function keptHeaders({ headers }: Partial<Pick<KafkaRecord, 'headers'>>): Record<string, string> {
  const kept = KEPT_HEADERS.flatMap((name): [string, string][] => {
    const value = headers?.[name];
    return value === undefined ? [] : [[name, value.toString()]];
  });
  return Object.fromEntries(kept);
}

/** Reads the headers of a DLQ record back. @throws Error naming the header that is missing or cannot be read. */
export function readRefusal(headers: Readonly<Record<string, Buffer>>): Refusal {
  const text = (name: string): string => {
    const value = headers[PREFIX + name];
    if (value === undefined) throw new Error(`dlq record without header ${PREFIX}${name}`);
    return value.toString();
  };
  const number = (name: string): number => {
    const value = Number(text(name));
    if (!Number.isSafeInteger(value))
      throw new Error(`dlq record with header ${PREFIX}${name} ${JSON.stringify(text(name))}; allowed is a whole number`);
    return value;
  };
  const redrive = redriveOf(headers);
  if (redrive === 'unreadable')
    throw new Error(`dlq record with header ${REDRIVE_HEADER} ${JSON.stringify(String(headers[REDRIVE_HEADER]).slice(0, 80))}`);
  return {
    stage: text('stage') as Stage,
    reason: text('reason'),
    message: text('message'),
    topic: text('topic'),
    partition: number('partition'),
    origin: { topicId: text('topic-id'), offset: number('offset'), index: number('index') },
    rawTimestampMs: number('timestamp'),
    ...(headers[`${PREFIX}length`] === undefined ? {} : { oversize: { length: number('length'), sha256: text('sha256') } }),
    ...(headers[`${PREFIX}part`] === undefined ? {} : { part: true }),
    ...(headers[`${PREFIX}unreadable`] === undefined ? {} : { unreadable: true }),
    ...(redrive === null ? {} : { redrive }),
  };
}

/** The object that was refused, by its place in the raw record that was refused first. */
export function refusedPlace({ redrive, origin, partition }: Refusal): ObjectPlace {
  if (redrive === undefined) return { ...origin, partition };
  const { topicId, offset, index } = redrive;
  return { topicId, partition: redrive.partition, offset, index };
}

/** The identity of a refusal as text: `<raw topic id>:<partition>:<offset>:<index>`. */
export function refusalId(refusal: Refusal): string {
  return placeId(refusedPlace(refusal));
}
