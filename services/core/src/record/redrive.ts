/**
 * A redriven record: a refusal that was sent to the raw topic again. Header `millrace.redrive`, as text
 * `<raw topic id>:<partition>:<offset>:<index>:<attempt>:<raw append time>:<what the value is>`. The processor hands it on to
 * the processed record or to the next refusal, each with its own index.
 *
 * Invariant: (topic id, partition, offset, index) is the place of the object in the raw record that was refused *first*, however
 * often it was redriven and refused since. Two records with the same place are the same object, and make one row at most.
 */
import type { Origin } from './origin.ts';

export const REDRIVE_HEADER = 'millrace.redrive';

/** What is refused, and made a row, once: an object of a raw record. */
export interface ObjectPlace extends Omit<Origin, 'count'> {
  partition: number;
}

export interface Redrive extends ObjectPlace {
  /** Which redrive of this object, from 1. */
  attempt: number;
  /** Append time of the raw record that was refused first, epoch ms: by it `table.unique` orders. */
  rawTimestampMs: number;
  /** What the redriven record holds: bytes of a source, or the row that the database refused. */
  as: 'raw' | 'row';
}

/** `<raw topic id>:<partition>:<offset>:<index>` */
export function placeId({ topicId, partition, offset, index }: ObjectPlace): string {
  return `${topicId}:${partition}:${offset}:${index}`;
}

export function encodeRedrive(redrive: Redrive): string {
  return `${placeId(redrive)}:${redrive.attempt}:${redrive.rawTimestampMs}:${redrive.as}`;
}

/** The header's text read back; null where it is none of ours. */
export function decodeRedrive(text: string): Redrive | null {
  const match = /^([A-Za-z0-9_~-]{1,40}):(\d{1,9}):(\d{1,16}):(\d{1,9}):(\d{1,9}):(-?\d{1,19}):(raw|row)$/.exec(text);
  if (!match) return null;
  const [, topicId, partition, offset, index, attempt, rawTimestampMs, as] = match;
  return {
    topicId: String(topicId),
    partition: Number(partition),
    offset: Number(offset),
    index: Number(index),
    attempt: Number(attempt),
    rawTimestampMs: Number(rawTimestampMs),
    as: as as Redrive['as'],
  };
}

/** Of a record; null where it is none that was redriven, `unreadable` where the header is none of ours. */
export function redriveOf(headers: Readonly<Record<string, Buffer>>): Redrive | 'unreadable' | null {
  const header = headers[REDRIVE_HEADER];
  return header === undefined ? null : (decodeRedrive(header.toString('latin1')) ?? 'unreadable');
}

/** The same redrive for the object `index` of the redriven record. An object of several is redriven in an array of its own, at 0. */
export function redriveOfObject(redrive: Redrive, index: number): Redrive {
  return { ...redrive, index: redrive.index + index };
}
