/** A sink without Kafka, as role.ts wires it, with the dead-letter topic as a list: for the tests beside this file. */
import type { Batch, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf, uniqueOf } from '@millrace/core/table/columns.ts';
import { rollupsOf } from '@millrace/core/table/rollup.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { RefusedRow } from './incoming.ts';
import { latestTableOf } from './latest.ts';
import { sinkMetrics } from './metrics.ts';
import { type Partitions, partitions } from './partitions.ts';
import { processedRecord, type RecordOptions } from './testPipeline.ts';
import { writerFor } from './writers/index.ts';

export interface TestSink extends Partitions {
  refusals: RefusedRow[];
  metric(name: string, labels: Record<string, string>): Promise<number>;
}

export function testSink(pipeline: Pipeline, pool: Pool, refuse: () => Promise<void> = async () => {}): TestSink {
  const names = namesOf(pipeline);
  const columns = columnsOf(pipeline);
  const refusals: RefusedRow[] = [];
  const registry = new Registry();
  const sink = partitions({
    pipeline: names.pipeline,
    table: `${names.schema}.${names.table}`,
    pool,
    writer: writerFor({ names, columns, latest: latestTableOf(pipeline) }, uniqueOf(pipeline)),
    rollups: rollupsOf(pipeline),
    refuse: async (_batch, refused) => {
      await refuse();
      refusals.push(...refused);
    },
    metrics: sinkMetrics(registry),
    log: pino({ level: 'silent' }),
  });
  const metric = async (name: string, labels: Record<string, string>): Promise<number> => {
    const wanted = Object.entries({ pipeline: names.pipeline, ...labels });
    const found = await registry.getSingleMetric(name)?.get();
    const fits = (has: Record<string, unknown>): boolean => wanted.every(([label, value]) => has[label] === value);
    return found?.values.find((value) => fits({ ...value.labels }))?.value ?? 0;
  };
  return { ...sink, refusals, metric };
}

export const TOPIC = { id: 'processed0', partitions: 2 };
export const never = new AbortController().signal;

export function batchOf(records: KafkaRecord[], overrides: Partial<Batch> = {}): Batch {
  const next = (records.at(-1)?.offset ?? -1) + 1;
  const batch = { topic: 'p', partition: 0, topicId: TOPIC.id, records, next, end: next, signal: never };
  return { ...batch, commit: async () => {}, ...overrides };
}

export const recordsOf = (pipeline: Pipeline, many: RecordOptions[]): KafkaRecord[] =>
  many.map((one) => processedRecord(pipeline, one));

/** Records with offsets [from, to), whose count column is the offset. */
export const good = (pipeline: Pipeline, from: number, to: number): KafkaRecord[] =>
  recordsOf(
    pipeline,
    upTo(to - from).map((i) => ({ offset: from + i, row: { device: `d${(from + i) % 3}`, count: from + i } })),
  );

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The count column of a table, in order. */
export async function countsIn(pool: Pool, pipeline: Pipeline, name = namesOf(pipeline).table): Promise<number[]> {
  const { rows } = await pool.query(`SELECT count FROM "default"."${name}" ORDER BY count`);
  return rows.map(({ count }) => Number(count));
}

export async function ledgerOf(pool: Pool, pipeline: Pipeline): Promise<Record<string, number>> {
  const sums = ['stored', 'refused', 'repeats', 'merged', 'lost'].map((name) => `sum(${name})::int AS ${name}`).join(', ');
  const { rows } = await pool.query(`SELECT ${sums} FROM millrace.ledger WHERE pipeline = $1`, [namesOf(pipeline).pipeline]);
  return rows[0];
}
