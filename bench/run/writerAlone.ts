/**
 * The sink's store transaction on rows that are ready: COPY, newest rows, ledger, position, COMMIT, as `sink/partitions.ts`
 * puts them together, without Kafka and without decoding.
 */
import { randomUUID } from 'node:crypto';
import { ANSWER_BYTES } from '@millrace/core/kafka/fetch.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import type { TableRow } from '@millrace/sink/incoming.ts';
import { latestTableOf } from '@millrace/sink/latest.ts';
import { count, type Hours, ledgerSql } from '@millrace/sink/ledger.ts';
import { dropRepeats, positionAfter } from '@millrace/sink/position.ts';
import { advanceSql, readPosition } from '@millrace/sink/positionStore.ts';
import { withClient } from '@millrace/sink/session.ts';
import { store } from '@millrace/sink/transaction.ts';
import { writerFor } from '@millrace/sink/writers/index.ts';
import type { Writer } from '@millrace/sink/writers/writer.ts';
import type { Pool } from 'pg';

/** A record's length fields and the lengths of its headers' names. */
const RECORD_OVERHEAD_BYTES = 60;

/** Rows in one fetch of a partition: the sink stores one such batch per transaction. */
export function rowsPerTransaction(rows: readonly TableRow[]): number {
  const records = rows.slice(0, 1_000).map(({ incoming }) => incoming.record);
  const bytes = records.reduce((sum, { key, value, headers }) => {
    const headerBytes = Object.values(headers).reduce((own, header) => own + header.length, 0);
    return sum + (key?.length ?? 0) + (value?.length ?? 0) + headerBytes + RECORD_OVERHEAD_BYTES;
  }, 0);
  return Math.max(1, Math.floor((ANSWER_BYTES * records.length) / bytes));
}

export interface WriterOptions {
  pipeline: Pipeline;
  pool: Pool;
  /** By partition. */
  rows: readonly (readonly TableRow[])[];
  /** Partitions that are stored at a time. */
  concurrency: number;
  rowsPerTransaction: number;
  /** Whether the newest row per key is kept, as the sink does. */
  latest: boolean;
}

/** Stores all rows. @returns ms */
export async function writeAlone(options: WriterOptions): Promise<number> {
  const { pipeline, pool, rows, concurrency, latest, rowsPerTransaction } = options;
  const names = namesOf(pipeline);
  const columns = columnsOf(pipeline);
  const whole = writerFor({ names, columns, latest: latestTableOf(pipeline) }, null);
  const writer: Writer = latest ? whole : { ...whole, closingSql: () => null };
  const signal = new AbortController().signal;

  async function storePartition(partition: number): Promise<void> {
    const own = rows[partition] ?? [];
    let seen = await withClient(pool, signal, (client) => readPosition(client, names.pipeline, partition));
    for (let from = 0; from < own.length; from += rowsPerTransaction) {
      const batch = own.slice(from, from + rowsPerTransaction);
      const incoming = batch.map((row) => row.incoming);
      const records = incoming.map(({ record }) => record);
      const { origins } = dropRepeats(seen.origins, incoming, seen.version + 1);
      const position = seen;
      const after = positionAfter(position, { records, next: from + batch.length, topicId: 'bench' }, origins, randomUUID());
      await store({
        pool,
        signal,
        pipeline: names.pipeline,
        partition,
        writer,
        rows: batch,
        foreign: [],
        refuse: async () => {
          throw new Error('a row of the bench was refused');
        },
        after,
        closing: ({ written }) => {
          const hours: Hours = new Map();
          for (const { incoming } of written) count(hours, incoming.origin?.topicId ?? '', incoming.rawTimestampMs, 'stored');
          const statements = [
            writer.closingSql(written),
            ledgerSql(names.pipeline, partition, hours),
            advanceSql(names.pipeline, partition, position, after),
          ];
          return statements.filter((statement) => statement !== null);
        },
      });
      seen = after;
    }
  }

  const waiting = rows.map((_, partition) => partition);
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let partition = waiting.shift(); partition !== undefined; partition = waiting.shift()) await storePartition(partition);
    }),
  );
  return performance.now() - startedMs;
}
