/** Records of a topic as they stand there, for people and programs. */
import { isUtf8 } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bounds, Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { printable } from '../text.ts';

export interface Placed {
  topic: string;
  partition: number;
  record: KafkaRecord;
}

/** How often a topic is asked for its end while it is followed. */
const FOLLOW_MS = 500;

/** The newest `count` records over all partitions, the oldest of them first. @throws Error where there is no such topic */
export async function lastRecords(kafka: Kafka, topic: string, count: number): Promise<{ records: Placed[]; ends: number[] }> {
  if ((await kafka.topic(topic)) === null)
    throw new Error(`there is no topic ${topic}: was the Pipeline ever set up on this Kafka?`);
  const bounds = await kafka.bounds(topic);
  const records: Placed[] = [];
  for (const [partition, bound] of bounds.entries())
    for (const record of await lastOf(kafka, topic, partition, bound, count)) records.push({ topic, partition, record });
  records.sort(
    (a, b) => a.record.timestampMs - b.record.timestampMs || a.partition - b.partition || a.record.offset - b.record.offset,
  );
  return { records: count === 0 ? [] : records.slice(-count), ends: bounds.map(({ end }) => end) };
}

/** The last records of one partition. Where offsets have gaps (ends of transactions, a compacted log) it looks further back. */
async function lastOf(
  kafka: Kafka,
  topic: string,
  partition: number,
  { start, end }: Bounds,
  count: number,
): Promise<KafkaRecord[]> {
  for (let offsets = count; ; offsets *= 4) {
    const from = Math.max(start, end - offsets);
    const found: KafkaRecord[] = [];
    for await (const record of kafka.range(topic, partition, from, end)) if (found.push(record) > count) found.shift();
    if (found.length === count || from === start) return found;
  }
}

/** Records appended from `ends` on, until the signal; within one partition in order. */
export async function* follow(kafka: Kafka, topic: string, ends: readonly number[], signal: AbortSignal): AsyncGenerator<Placed> {
  const next = new Map(ends.entries());
  while (!signal.aborted) {
    for (const [partition, { start, end }] of (await kafka.bounds(topic)).entries()) {
      const from = Math.max(start, next.get(partition) ?? start);
      for await (const record of kafka.range(topic, partition, from, end, signal)) yield { topic, partition, record };
      next.set(partition, Math.max(from, end));
    }
    await sleep(FOLLOW_MS, undefined, { signal }).catch(() => undefined); // the signal ends the wait, nothing else can
  }
}

/** Bytes as text; what is no UTF-8 in hexadecimal digits. */
export function textOf(bytes: Buffer | null): string | null {
  if (bytes === null) return null;
  return isUtf8(bytes) ? bytes.toString() : bytes.toString('hex');
}

/** One line: append time, partition:offset, key, value. */
export function recordLine({ partition, record }: Placed): string {
  const time = new Date(record.timestampMs).toISOString();
  const [key, value] = [record.key, record.value].map((bytes) => printable(textOf(bytes) ?? '(null)'));
  return `${time}  ${partition}:${record.offset}  ${key}  ${value}`;
}

/** For programs. Value and key are text exactly as it stands in the topic, or hexadecimal where `encoding` says so. */
export function recordJson({ topic, partition, record }: Placed): Record<string, unknown> {
  const { key, value } = record;
  const binary = [key, value].some((bytes) => bytes !== null && !isUtf8(bytes));
  const text = (bytes: Buffer | null) => (binary && bytes !== null ? bytes.toString('hex') : textOf(bytes));
  return {
    topic,
    partition,
    offset: record.offset,
    time: new Date(record.timestampMs).toISOString(),
    encoding: binary ? 'hex' : 'utf8',
    key: text(key),
    value: text(value),
    headers: Object.fromEntries(Object.entries(record.headers).map(([name, bytes]) => [name, bytes.toString()])),
  };
}
