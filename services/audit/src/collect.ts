/**
 * Looks at a Pipeline in Kafka and in the database, for the audit.
 *
 * Invariant: the order of the questions, by which the counts can be compared exactly while records flow.
 * 1. What the processor committed is copied into the ledger.
 * 2. One snapshot of the database: ledger, positions and rows are of the same transactions.
 * 3. What the processor has committed now. Every row of the snapshot was made from a record before these offsets, or else
 *    the partition is asked again, and is told in the end (`compare.ts` calls it unknown).
 * 4. The ends of the logs. Every row that the processor counted stands in the processed log before its end, and every refusal in
 *    the dead-letter topic. What comes after the snapshot's position, is no repeat and comes from before the committed offset is in flight.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bounds, Kafka } from '@millrace/core/kafka/kafka.ts';
import { epochHour } from '@millrace/core/record/hour.ts';
import {
  cutTopicId,
  decodeOrigin,
  isAfter,
  ORIGIN_HEADER,
  type Origin,
  RAW_TIMESTAMP_HEADER,
} from '@millrace/core/record/origin.ts';
import { decodeProgress, type Progress } from '@millrace/core/record/progress.ts';
import type { Refusal } from '@millrace/core/record/refusal.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Pool } from 'pg';
import { copyProcessorCounts } from './copy.ts';
import { type Evidence, type PartitionEvidence, type RawHours, type Tally, tallyUp } from './evidence.ts';
import { recordsByHour } from './rawHours.ts';
import { countRefusals } from './refusals.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

export interface Servers {
  kafka: Kafka;
  database: Pool;
}

/** Records on their way that are looked at one by one, per partition; of more the number is told. */
const MOST_IN_FLIGHT = 200_000;
/** How long a processor may take between its sends and its commit. */
const COMMIT_WITHIN_MS = 5_000;
const ASK_AGAIN_MS = 100;

export interface Commit {
  offset: number;
  progress: Progress;
}

/** @throws Error of Kafka or the database where they cannot be asked, or the Pipeline was never set up */
export async function collect(pipeline: Pipeline, { kafka, database }: Servers, signal?: AbortSignal): Promise<Evidence> {
  const names = namesOf(pipeline);
  await copyProcessorCounts(kafka, database, pipeline);
  const snapshot = await takeSnapshot(database, names);
  const raw = await kafka.topic(names.raw);
  const commits = raw === null ? new Map<number, Commit>() : await commitsAfter(kafka, names, raw.id, snapshot, signal);
  const [rawBounds, processed, dlqBounds] = await Promise.all([
    raw === null ? [] : kafka.bounds(names.raw),
    kafka.topic(names.processed),
    boundsOf(kafka, names.dlq),
  ]);
  const processedBounds = processed === null ? [] : await kafka.bounds(names.processed);
  const after = raw === null ? null : await kafka.topic(names.raw);
  if (after?.id !== raw?.id) throw new Error(`the topic ${names.raw} was recreated while it was looked at: ask again`);
  const hours = raw === null ? [] : await rawHoursOf(kafka, pipeline, rawBounds, commits);
  const partitions: PartitionEvidence[] = [];
  const numbers = [
    ...snapshot.positions.keys(),
    ...snapshot.ledger.map(({ partition }) => partition),
    ...rawBounds.keys(),
    ...processedBounds.keys(),
  ];
  for (const partition of [...new Set(numbers)].sort((a, b) => a - b)) {
    const commit = commits.get(partition) ?? null;
    const position = snapshot.positions.get(partition);
    const stored = position?.origins ?? new Map<string, Pick<Origin, 'offset' | 'index'>>();
    const bounds = processedBounds[partition] ?? null;
    const next = position?.topicId === processed?.id ? (position?.next ?? 0) : 0;
    const unread = bounds === null ? null : { start: Math.max(next, bounds.start), end: bounds.end };
    const dlq = dlqBounds[partition] ?? { start: 0, end: 0 };
    partitions.push({
      partition,
      ledger: snapshot.ledger.filter((row) => row.partition === partition),
      stored,
      progress: commit?.progress ?? null,
      committed: commit?.offset ?? null,
      raw: rawBounds[partition] ?? null,
      processed: bounds,
      unread: unread === null ? 0 : Math.max(0, unread.end - unread.start),
      inFlight: unread === null ? new Map() : await inFlightOf(kafka, names.processed, partition, unread, stored, commit, signal),
      refusals: await countRefusals(
        kafka,
        names.dlq,
        partition,
        { ...dlq, from: Math.min(dlq.end, Math.max(dlq.start, position?.dlqFrom ?? 0)) },
        wasCounted(stored, commit, processed?.id ?? '', next),
        signal,
      ),
      rawHours: hours[partition] ?? null,
    });
  }
  return {
    pipeline: names.pipeline,
    name: `${names.schema}.${names.table}`,
    rawId: raw?.id ?? null,
    foreignRaw: pipeline.spec.source.topic !== undefined,
    table: { ...snapshot.table, dropsChunks: snapshot.hypertable && pipeline.spec.table.retain !== undefined },
    partitions,
  };
}

export async function boundsOf(kafka: Kafka, topic: string): Promise<Bounds[]> {
  return (await kafka.topic(topic)) === null ? [] : kafka.bounds(topic);
}

/** Of the user's own topic none: its times may be anybody's, and its offsets need not be records. */
async function rawHoursOf(
  kafka: Kafka,
  pipeline: Pipeline,
  bounds: readonly Bounds[],
  commits: ReadonlyMap<number, Commit>,
): Promise<RawHours[]> {
  if (pipeline.spec.source.topic !== undefined) return [];
  const parts = bounds.map(({ start }, partition) => {
    const end = commits.get(partition)?.offset ?? 0;
    return end > start ? { start, end } : null;
  });
  const lastMs = Math.max(...[...commits.values()].map(({ progress }) => progress.timestampMs ?? Number.NEGATIVE_INFINITY));
  return recordsByHour(kafka, namesOf(pipeline).raw, parts, epochHour(lastMs));
}

/** What is committed, asked until it is not behind what the snapshot has stored, or for some seconds. */
export async function commitsAfter(
  kafka: Kafka,
  names: PipelineNames,
  rawId: string,
  { positions }: Pick<Snapshot, 'positions'>,
  signal?: AbortSignal,
): Promise<Map<number, Commit>> {
  const giveUpAt = performance.now() + COMMIT_WITHIN_MS;
  for (;;) {
    const commits = new Map<number, Commit>();
    for (const [partition, { offset, metadata }] of await kafka.committed(names.processorGroup, names.raw)) {
      const progress = decodeProgress(metadata);
      if (progress !== null && progress.topicId === rawId) commits.set(partition, { offset, progress });
    }
    const isBehind = [...positions].some(([partition, { origins }]) => {
      const commit = commits.get(partition);
      const last = origins.get(cutTopicId(rawId, commit?.progress.cuts.length ?? 0));
      return last !== undefined && last.offset >= (commit?.offset ?? 0);
    });
    if (!isBehind || performance.now() > giveUpAt) return commits;
    await sleep(ASK_AGAIN_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** Whether a record with this origin was committed by the processor. Of another raw topic than the one that is there, all were. */
export function wasCommitted({ topicId, offset }: Pick<Origin, 'topicId' | 'offset'>, commit: Commit | null): boolean {
  if (commit === null) return true;
  const { progress } = commit;
  return topicId !== cutTopicId(progress.topicId, progress.cuts.length) || offset < commit.offset;
}

async function inFlightOf(
  kafka: Kafka,
  topic: string,
  partition: number,
  { start, end }: Bounds,
  stored: ReadonlyMap<string, Pick<Origin, 'offset' | 'index'>>,
  commit: Commit | null,
  signal?: AbortSignal,
): Promise<Tally | null> {
  if (end - start > MOST_IN_FLIGHT) return null;
  const tally: Tally = new Map();
  const last = new Map(stored);
  for await (const { headers } of kafka.range(topic, partition, start, Math.max(start, end), signal)) {
    const origin = originOf(headers);
    // Another tool's record: the sink refuses it, and no processor counted it.
    if (origin === null || !isAfter(origin, last.get(origin.topicId))) continue;
    last.set(origin.topicId, origin);
    if (wasCommitted(origin, commit))
      tallyUp(tally, origin.topicId, epochHour(Number(headers[RAW_TIMESTAMP_HEADER]?.toString())));
  }
  return tally;
}

function originOf(headers: Readonly<Record<string, Buffer>>): Origin | null {
  try {
    return decodeOrigin(headers[ORIGIN_HEADER] ?? Buffer.alloc(0));
  } catch {
    return null;
  }
}

/** Whether a refusal had been counted: by the processor's commit, or by the sink in the snapshot. */
function wasCounted(
  stored: ReadonlyMap<string, Pick<Origin, 'offset' | 'index'>>,
  commit: Commit | null,
  processedId: string,
  next: number,
): (refusal: Refusal) => boolean {
  return ({ stage, origin }) => {
    if (stage !== 'store') return wasCommitted(origin, commit);
    // What came from no raw record has the processed record's place.
    if (origin.topicId === processedId) return origin.offset < next;
    const last = stored.get(origin.topicId);
    return last === undefined || !isAfter(origin, last);
  };
}
