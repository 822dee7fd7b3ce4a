/**
 * Looks at a Pipeline in Kafka and in the database.
 *
 * Invariant: the order of the questions. Positions come before the ends of the logs that they are compared with, so that lag
 * is never too small; and from the source to the table, so that "the processor has taken all" implies that the
 * processed topic seen afterwards is whole. Hence a sample without anything unfinished means that all is stored.
 */
import { quote } from '@millrace/core/database/identifier.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { decodeCheckpoint } from '@millrace/core/record/checkpoint.ts';
import { decodeProgress } from '@millrace/core/record/progress.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { latestOf } from '@millrace/core/table/latest.ts';
import type { Pool } from 'pg';
import type { ProcessorSample, Sample, SinkSample, TopicSample } from './sample.ts';

export interface Servers {
  kafka: Kafka;
  database: Pool;
}

/** @throws Error of Kafka or the database where they cannot be asked */
export async function collect(pipeline: Pipeline, { kafka, database }: Servers): Promise<Sample> {
  const names = namesOf(pipeline);
  const there = (await kafka.topic(names.raw)) !== null;
  const [checkpoint, sink, committed] = await Promise.all([
    there ? kafka.committed(names.replayGroup, names.raw) : null,
    sinkSample(database, names.pipeline),
    there ? kafka.committed(names.processorGroup, names.raw) : null,
  ]);
  const [raw, processed, dlq] = await Promise.all(
    [names.raw, names.processed, names.dlq].map((name) => topicSample(kafka, name)),
  );
  if (!raw || !processed || !dlq) throw new Error('three topics were asked for and not all answered');
  const latest = latestOf(pipeline).topic ? await topicSample(kafka, names.latest) : null;
  const processor = new Map<number, ProcessorSample>();
  for (const [partition, { offset, metadata }] of committed ?? []) {
    const progress = decodeProgress(metadata);
    if (progress && progress.topicId === raw.id) processor.set(partition, { next: offset, progress });
  }
  return {
    pipeline: names.pipeline,
    table: `${names.schema}.${names.table}`,
    checkpoint: decodeCheckpoint(checkpoint?.get(0)?.metadata ?? ''),
    raw,
    processed,
    dlq,
    ...(latest && { latest: { ...latest, unsent: await unsentOf(database, names.pipeline) } }),
    processor,
    sink: sink && { ...sink.sample, next: nextOffsets(sink.positions, processed.id) },
  };
}

async function topicSample(kafka: Kafka, name: string): Promise<TopicSample> {
  const state = await kafka.topic(name);
  return { name, id: state?.id ?? null, bounds: state ? await kafka.bounds(name) : [] };
}

async function unsentOf(database: Pool, pipeline: string): Promise<number> {
  const { rows: found } = await database.query(`SELECT to_regclass('millrace.latest_unsent') IS NOT NULL AS ready`);
  if (found[0]?.ready !== true) return 0;
  const { rows } = await database.query('SELECT count(*) AS unsent FROM millrace.latest_unsent WHERE pipeline = $1', [pipeline]);
  return Number(rows[0]?.unsent);
}

interface PositionRow {
  partition: number;
  topic_id: string | null;
  next_offset: string | null;
}

function nextOffsets(positions: readonly PositionRow[], topicId: string | null): Map<number, number> {
  const next = new Map<number, number>();
  for (const { partition, topic_id, next_offset } of positions) {
    if (next_offset !== null && topic_id === topicId) next.set(partition, Number(next_offset));
  }
  return next;
}

/** One statement is one snapshot: positions and counters of the same transactions. */
const SINK_SQL = `
  SELECT
    (SELECT coalesce(json_agg(json_build_object('partition', partition, 'topic_id', topic_id, 'next_offset', next_offset::text)), '[]')
       FROM millrace.positions WHERE pipeline = $1) AS positions,
    (SELECT json_build_object('stored', coalesce(sum(stored), 0)::text, 'refused', coalesce(sum(refused), 0)::text,
            'repeats', coalesce(sum(repeats), 0)::text, 'merged', coalesce(sum(merged), 0)::text, 'lost', coalesce(sum(lost), 0)::text)
       FROM millrace.ledger WHERE pipeline = $1) AS ledger,
    (SELECT count(*) FROM (SELECT DISTINCT rollup, bucket FROM millrace.touched WHERE pipeline = $1) AS buckets)::text AS touched`;

interface SinkRow {
  positions: PositionRow[];
  ledger: { stored: string; refused: string; repeats: string; merged: string; lost: string };
  touched: string;
}

interface SinkRead {
  positions: PositionRow[];
  sample: Omit<SinkSample, 'next'>;
}

async function sinkSample(database: Pool, pipeline: string): Promise<SinkRead | null> {
  const { rows: found } = await database.query<{ ready: boolean }>(
    `SELECT to_regclass('millrace.positions') IS NOT NULL AND to_regclass('millrace.ledger') IS NOT NULL
        AND to_regclass('millrace.touched') IS NOT NULL AS ready`,
  );
  if (!found[0]?.ready) return null;
  const { rows } = await database.query<SinkRow>(SINK_SQL, [pipeline]);
  const [row] = rows;
  if (!row) throw new Error('the database answered without a row');
  if (row.positions.length === 0) return null;
  const { stored, refused, repeats, merged, lost } = row.ledger;
  return {
    positions: row.positions,
    sample: {
      stored: Number(stored),
      refused: Number(refused),
      repeats: Number(repeats),
      merged: Number(merged),
      lost: Number(lost),
      touched: Number(row.touched),
    },
  };
}

export interface BoolCount {
  column: string;
  true: number;
  false: number;
  null: number;
}

/** How often each boolean column of a Pipeline's table is true, false and null, in table order. Reads the whole table. */
export async function boolCounts(pipeline: Pipeline, database: Pool): Promise<BoolCount[]> {
  const columns = columnsOf(pipeline).filter(({ type }) => type === 'bool');
  if (columns.length === 0) return [];
  const { schema, table } = namesOf(pipeline);
  const counts = columns.map(({ name }, index) => {
    const column = quote(name);
    return `count(*) FILTER (WHERE ${column}) AS t${index}, count(*) FILTER (WHERE NOT ${column}) AS f${index}, count(*) FILTER (WHERE ${column} IS NULL) AS n${index}`;
  });
  const { rows } = await database.query<Record<string, string>>(
    `SELECT ${counts.join(', ')} FROM ${quote(schema)}.${quote(table)}`,
  );
  const [row] = rows;
  if (!row) throw new Error('the database answered without a row');
  return columns.map(({ name }, index) => ({
    column: name,
    true: Number(row[`t${index}`]),
    false: Number(row[`f${index}`]),
    null: Number(row[`n${index}`]),
  }));
}
