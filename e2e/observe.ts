/** What a test sees from outside: topics, groups and tables, never a role's insides. */
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { decodeCheckpoint } from '@millrace/core/record/checkpoint.ts';
import { decodeReplayPosition, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import { readRefusal, refusalId } from '@millrace/core/record/refusal.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pool } from 'pg';
import type { Platform } from './platform.ts';

/** Whether the producer has come to the end of its input. */
export async function inputEnded({ loaded, kafka }: Pick<Platform, 'loaded' | 'kafka'>): Promise<boolean> {
  const names = namesOf(loaded.pipeline);
  const checkpoint = (await kafka.committed(names.replayGroup, names.raw)).get(0);
  return checkpoint !== undefined && decodeCheckpoint(checkpoint.metadata)?.completed === true;
}

/** `all stored` when the input ended and every topic was read to its end and written; else what is missing. */
export async function settled({ loaded, kafka, database }: Platform): Promise<string> {
  const names = namesOf(loaded.pipeline);
  if (!(await inputEnded({ loaded, kafka }))) return 'the producer has more to send';
  return drained(names, kafka, database);
}

/** `all stored` when processor and sink have done all that is in their topics; else what is missing. */
export async function drained(names: PipelineNames, kafka: Kafka, database: Pool): Promise<string> {
  const committed = await kafka.committed(names.processorGroup, names.raw);
  const unread = (await kafka.bounds(names.raw)).filter(
    ({ end }, partition) => end > 0 && committed.get(partition)?.offset !== end,
  );
  if (unread.length > 0) return 'the processor has more to read';
  const { rows } = await database.query<{ partition: number; next_offset: string | null }>(
    'select partition, next_offset from millrace.positions where pipeline = $1',
    [names.pipeline],
  );
  const next = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
  const unstored = (await kafka.bounds(names.processed)).filter(({ end }, partition) => next.get(partition) !== end);
  return unstored.length > 0 ? 'the sink has more to store' : 'all stored';
}

/** Ordinals of the raw records that were refused, each once, in order; a refusal may stand in the topic more than once. */
export async function refusedOrdinals(kafka: Kafka, names: PipelineNames): Promise<number[]> {
  const refusals = new Map<string, { partition: number; offset: number }>();
  for (const [partition, { start, end }] of (await kafka.bounds(names.dlq)).entries()) {
    for await (const record of kafka.range(names.dlq, partition, start, end)) {
      const refusal = readRefusal(record.headers);
      refusals.set(refusalId(refusal), { partition, offset: refusal.origin.offset });
    }
  }
  const ordinals: number[] = [];
  for (const { partition, offset } of refusals.values()) {
    for await (const raw of kafka.range(names.raw, partition, offset, offset + 1)) {
      const position = decodeReplayPosition(raw.headers[REPLAY_POSITION_HEADER]?.toString());
      if (!position) throw new Error(`raw record ${partition}/${offset} has no replay position`);
      ordinals.push(position.ordinal);
    }
  }
  return ordinals.sort((a, b) => a - b);
}

/** The first place where two sorted lists differ, with both sides; null where they are equal. */
export function firstDifference(
  found: readonly string[],
  expected: readonly string[],
): { at: number; found: string; expected: string } | null {
  for (let at = 0; at < Math.max(found.length, expected.length); at += 1) {
    if (found[at] !== expected[at]) return { at, found: String(found[at]), expected: String(expected[at]) };
  }
  return null;
}
