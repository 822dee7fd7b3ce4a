/**
 * Fills the new table from the raw log, up to where the processor stands.
 *
 * Invariants:
 * - Pieces of one partition are stored in raw order, each in one transaction with its position; a position that moved since it
 *   was read (another reset) stops this one.
 * - At most one piece per partition that is worked on is in memory.
 * - Nothing outside the new tables and Millrace's own books is changed.
 */
import { randomUUID } from 'node:crypto';
import type { Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { freshProgress, type Progress } from '@millrace/core/record/progress.ts';
import { RESET_HEADER } from '@millrace/core/record/refusal.ts';
import { maxProcessedBytesOf } from '@millrace/core/spec/defaults.ts';
import type { Rollup } from '@millrace/core/table/rollup.ts';
import { refusalRecords } from '@millrace/sink/dlq.ts';
import { refusalOrigin, type TableRow } from '@millrace/sink/incoming.ts';
import type { Isolated } from '@millrace/sink/isolate.ts';
import { count, type Hours, ledgerSql } from '@millrace/sink/ledger.ts';
import { tally } from '@millrace/sink/partitions.ts';
import { positionAfter, type StoredPosition } from '@millrace/sink/position.ts';
import { advanceSql, readPosition } from '@millrace/sink/positionStore.ts';
import { notStored, redrivenSql } from '@millrace/sink/redriven.ts';
import { withClient } from '@millrace/sink/session.ts';
import { touchedSql } from '@millrace/sink/touched.ts';
import { store } from '@millrace/sink/transaction.ts';
import type { Writer } from '@millrace/sink/writers/writer.ts';
import type { Pool } from 'pg';
import { type Books, keepRefusalsSql, progressSql } from './books.ts';
import { type Before, type Piece, pieceOf, type Rules } from './piece.ts';
import type { Plan } from './plan.ts';
import { uncut } from './reach.ts';

export interface Filling {
  plan: Plan;
  kafka: Kafka;
  database: Pool;
  rules: Rules;
  writer: Writer;
  rollups: readonly Rollup[];
  /** `starts`: of the log when the reprocessing began, by partition. */
  raw: { topic: string; id: string; starts: readonly number[] };
  /** Append times of the records after which the raw log was cut, by partition. */
  cuts: ReadonlyMap<number, readonly number[]>;
  books: Books;
  standing: Map<number, Standing>;
  signal: AbortSignal;
}

/** Where the new table stands in one partition. */
export interface Standing {
  position: StoredPosition;
  progress: Progress;
}

const PIECE_RECORDS = 5_000;
const PIECE_BYTES = 4 * 1_048_576;
/** Partitions that are read at a time: while the database stores one piece, another is transformed. */
const CONCURRENCY = 2;

/** Reads where the new table stands. */
export async function standingOf(filling: Omit<Filling, 'standing'>, partitions: number): Promise<Map<number, Standing>> {
  const { plan, database, books, cuts, raw, signal } = filling;
  const standing = new Map<number, Standing>();
  for (let partition = 0; partition < partitions; partition++) {
    const position = await withClient(database, signal, (client) => readPosition(client, plan.key, partition));
    const fresh = { ...freshProgress(raw.id, ''), cuts: [...(cuts.get(partition) ?? [])] };
    standing.set(partition, { position, progress: books.progress.get(partition) ?? fresh });
  }
  return standing;
}

/** The raw offset that comes next. @param start of the log, where nothing was read yet */
export function nextOf({ position }: Standing, start: number): number {
  return position.next ?? start;
}

/**
 * Fills up to the given offsets (exclusive), by partition.
 * @param told called after each piece with the raw records that were read and the rows that were stored
 * @throws Error where the raw topic is another one by now, or records are gone; RefusedWhole; errors of Kafka and the database
 */
export async function fill(
  filling: Filling,
  goals: readonly { start: number; to: number }[],
  told: (records: number, rows: number) => void,
): Promise<void> {
  const waiting = [...goals.entries()];
  const stop = new AbortController();
  const signal = AbortSignal.any([filling.signal, stop.signal]);
  const worker = async (): Promise<void> => {
    for (let goal = waiting.shift(); goal !== undefined; goal = waiting.shift()) {
      const [partition, { start, to }] = goal;
      await fillPartition(filling, partition, start, to, signal, told);
    }
  };
  const workers = Array.from({ length: CONCURRENCY }, () =>
    worker().catch((error) => {
      stop.abort(error); // the others end after the piece at hand
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  for (const result of results) if (result.status === 'rejected') throw stop.signal.reason ?? result.reason;
}

async function fillPartition(
  filling: Filling,
  partition: number,
  start: number,
  to: number,
  signal: AbortSignal,
  told: (records: number, rows: number) => void,
): Promise<void> {
  const { kafka, raw } = filling;
  const from = nextOf(standingIn(filling, partition), start);
  if (from < start)
    throw new Error(
      `retention has removed records ${from} to ${start - 1} of ${raw.topic} partition ${partition}, which were not reprocessed yet: raise spec.topics.retention, and begin again with --restart`,
    );
  for await (const records of pieces(kafka.range(raw.topic, partition, from, to, signal))) {
    const topic = await kafka.topic(raw.topic);
    if (topic?.id !== raw.id)
      throw new Error(`the topic ${raw.topic} was created again during the reprocessing: begin again with --restart`);
    const rows = await storePiece(filling, partition, records, signal);
    told(records.length, rows);
  }
}

/** Cuts a stretch of records by number and bytes. */
export async function* pieces(records: AsyncIterable<KafkaRecord>): AsyncGenerator<KafkaRecord[]> {
  let piece: KafkaRecord[] = [];
  let bytes = 0;
  for await (const record of records) {
    piece.push(record);
    bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
    if (piece.length < PIECE_RECORDS && bytes < PIECE_BYTES) continue;
    yield piece;
    piece = [];
    bytes = 0;
  }
  if (piece.length > 0) yield piece;
}

export function standingIn({ standing }: Pick<Filling, 'standing'>, partition: number): Standing {
  const found = standing.get(partition);
  if (found === undefined) throw new Error(`partition ${partition} was not there when the reprocessing began; run it again`);
  return found;
}

/** What the transform and the old rows say about records of a partition. */
export function beforeOf(
  { raw, books }: Pick<Filling, 'raw' | 'books'>,
  partition: number,
  { position, progress }: Standing,
): Before {
  const { origins, version } = position;
  const takenOver = books.takenOver?.get(partition) ?? new Map();
  const holds: Before['holds'] = ({ topicId, partition, offset }) =>
    uncut(topicId) === raw.id && offset >= (raw.starts[partition] ?? 0);
  return { partition, topicId: raw.id, progress, origins, version, takenOver, holds };
}

/** The dead-letter records of a piece. */
export function refusalsOf(
  { plan, rules }: Pick<Filling, 'plan' | 'rules'>,
  piece: Piece,
  refused: Parameters<typeof refusalRecords>[2],
) {
  const batch = { ...piece.batch, topic: rules.processed };
  const records = [...piece.dlq, ...refusalRecords(maxProcessedBytesOf(plan.wanted), batch, refused)];
  // After a handover the processor reads its log again, and counts what this refuses.
  if (plan.mode === 'replace') for (const { headers } of records) headers[RESET_HEADER] = 'true';
  return records;
}

/** What became of a piece, by ledger hour. */
export function hoursOf(outcome: Isolated, twice: readonly TableRow[], { batch }: Pick<Piece, 'batch'>): Hours {
  const hours = tally(outcome, [], batch);
  for (const { incoming } of twice) count(hours, refusalOrigin(incoming, batch).topicId, incoming.rawTimestampMs, 'merged');
  return hours;
}

async function storePiece(filling: Filling, partition: number, records: KafkaRecord[], signal: AbortSignal): Promise<number> {
  const { plan, database, writer, rollups, rules } = filling;
  const standing = standingIn(filling, partition);
  const piece = await pieceOf(rules, beforeOf(filling, partition, standing), records, signal);
  const { rows, twice } = await notStored(database, signal, plan.key, piece.rows);
  const after = positionAfter(standing.position, piece.batch, piece.origins, randomUUID());
  const outcome = await store({
    pool: database,
    signal,
    pipeline: plan.key,
    partition,
    writer,
    rows,
    foreign: piece.foreign,
    after,
    refuse: async () => {}, // kept with the rows instead, until the new table takes effect
    closing: (outcome) =>
      [
        writer.closingSql(outcome.written),
        touchedSql(
          plan.key,
          rollups,
          outcome.written.map(({ timeMs }) => timeMs),
        ),
        redrivenSql(plan.key, outcome.written),
        ledgerSql(plan.key, partition, hoursOf(outcome, [...piece.twice, ...twice], piece)),
        keepRefusalsSql(plan.pipeline, partition, refusalsOf(filling, piece, outcome.refused)),
        progressSql(plan.pipeline, partition, piece.progress),
        advanceSql(plan.key, partition, standing.position, after),
      ].filter((statement) => statement !== null),
  });
  filling.standing.set(partition, { position: after, progress: piece.progress });
  return outcome.written.length;
}
