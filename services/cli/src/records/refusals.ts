/**
 * Refusals in a dead-letter topic.
 *
 * Invariant: a refusal is given once, by its identity (raw topic id, partition, offset, index, stage), however often a
 * killed processor or sink wrote it. Memory is bounded: at most `MOST_READ` records of a partition are looked at.
 */
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { type Refusal, readRefusal, refusalId } from '@millrace/core/record/refusal.ts';
import type { Placed } from './read.ts';

export const MOST_READ = 100_000;

export interface Refused extends Placed {
  id: string;
  refusal: Refusal;
}

export interface Refusals {
  /** In the order of the topic's partitions and offsets. */
  refused: AsyncIterable<Refused>;
  /** Records at the beginning of the topic that are not looked at. */
  skipped: number;
}

/** The refusals of a topic, each once. @throws Error where there is no such topic */
export async function readRefusals(kafka: Kafka, topic: string): Promise<Refusals> {
  if ((await kafka.topic(topic)) === null)
    throw new Error(`there is no topic ${topic}: was the Pipeline ever set up on this Kafka?`);
  const bounds = await kafka.bounds(topic);
  const ranges = bounds.map(({ start, end }) => ({ from: Math.max(start, end - MOST_READ), end }));
  const skipped = bounds.reduce((sum, { start }, partition) => sum + (ranges[partition]?.from ?? start) - start, 0);
  return { refused: distinct(kafka, topic, ranges), skipped };
}

async function* distinct(kafka: Kafka, topic: string, ranges: readonly { from: number; end: number }[]): AsyncGenerator<Refused> {
  const seen = new Set<string>();
  for (const [partition, { from, end }] of ranges.entries()) {
    for await (const record of kafka.range(topic, partition, from, end)) {
      const refusal = readRefusal(record.headers);
      const id = refusalId(refusal);
      if (seen.has(id)) continue;
      seen.add(id);
      yield { topic, partition, record, id, refusal };
    }
  }
}

/** Where the refused record stands in the raw topic, as people write it: `partition:offset`. */
export function placeOf({ partition, origin }: Refusal): string {
  return `${partition}:${origin.offset}`;
}
