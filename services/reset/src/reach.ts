/**
 * How far back the raw log reaches.
 *
 * Invariant: what is made anew is made from every raw record that could have given a row of it. Where records are gone
 * (retention, a raw topic that was created again, a log that was cut), that is so only for rows whose time is after the append
 * time of the first record that is left: a device does not send what has not happened yet.
 */
import type { Bounds, Kafka } from '@millrace/core/kafka/kafka.ts';
import { isoOf } from './time.ts';

export interface Reach {
  /** Rows after this time (epoch ms) can be made anew; null: all can. */
  afterMs: number | null;
  /** Why not all: one sentence each. */
  missing: string[];
}

export interface RawLog {
  topic: string;
  id: string;
  bounds: readonly Bounds[];
  /** Append time of the first record of each partition, epoch ms; null: it holds none. */
  firstMs: readonly (number | null)[];
  /** Append times, epoch ms, after which the log was cut under the same id. */
  cutsMs: readonly number[];
  /** Raw topic ids that rows were stored from. */
  storedIds: readonly string[];
  nowMs: number;
}

/** Reads what `reachOf` decides by. */
export async function firstTimes(kafka: Kafka, topic: string, bounds: readonly Bounds[]): Promise<(number | null)[]> {
  const times: (number | null)[] = [];
  for (const [partition, { start, end }] of bounds.entries()) {
    let first: number | null = null;
    for await (const record of kafka.range(topic, partition, start, end)) {
      first = record.timestampMs;
      break;
    }
    times.push(first);
  }
  return times;
}

/** What can be made anew. */
export function reachOf({ topic, id, bounds, firstMs, cutsMs, storedIds, nowMs }: RawLog): Reach {
  const missing: string[] = [];
  const after: number[] = [];
  for (const [partition, { start }] of bounds.entries()) {
    if (start === 0) continue;
    const first = firstMs[partition] ?? null;
    after.push(first ?? nowMs);
    missing.push(
      `the first ${start} records of ${topic} partition ${partition} were removed, ${first === null ? 'and there are no others' : `the first that is left is of ${isoOf(first)}`}`,
    );
  }
  const others = new Set(storedIds.map(uncut).filter((one) => one !== id));
  if (others.size > 0) {
    after.push(Math.max(...firstMs.map((first) => first ?? nowMs)));
    missing.push(
      `rows are stored from ${others.size === 1 ? 'an earlier topic' : `${others.size} earlier topics`} of the name ${topic}, which ${others.size === 1 ? 'is' : 'are'} gone`,
    );
  }
  if (cutsMs.length > 0) {
    after.push(Math.max(...cutsMs));
    missing.push(`the log of ${topic} was cut at ${isoOf(Math.max(...cutsMs))}`);
  }
  return { afterMs: after.length === 0 ? null : Math.max(...after), missing };
}

/** @throws Error that says what is missing and from which time on it is possible */
export function mustReach({ afterMs, missing }: Reach, fromMs: number | null): void {
  if (afterMs === null || (fromMs !== null && fromMs > afterMs)) return;
  const asked = fromMs === null ? 'Not all rows can be made anew' : `Rows from ${isoOf(fromMs)} on cannot all be made anew`;
  throw new Error(
    `${asked}: ${missing.join('; ')}. Possible is --from ${isoOf(afterMs + 1)} or later, which keeps the rows before it as they are`,
  );
}

/** Kafka's topic id of one in an origin, which may have the number of a cut behind it. */
export function uncut(topicId: string): string {
  return topicId.replace(/~.*/, '');
}
