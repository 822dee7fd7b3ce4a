/** The rows of a backlog as the sink makes them of its processed records: for peers that take rows, and for the writer alone. */
import { open } from 'node:fs/promises';
import { list, table } from '@millrace/core/database/identifier.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { bytesOf, CopyLines, textOf } from '@millrace/sink/copyLines.ts';
import { lineFields } from '@millrace/sink/copyText.ts';
import { readIncoming, type TableRow, tableRow } from '@millrace/sink/incoming.ts';
import { rowWriter } from '@millrace/sink/rowLine.ts';

const ROWS_AT_A_TIME = 10_000;
const BYTES_AT_A_TIME = 1_048_576;

/** `"default"."main" ("time", "device", …)`: where COPY and INSERT write. */
export function targetOf(pipeline: Pipeline): string {
  const { schema, table: name } = namesOf(pipeline);
  return `${table(schema, name)} (${list(columnsOf(pipeline).map((column) => column.name))})`;
}

/**
 * Rows of each partition, in the log's order.
 * @param most rows over all partitions: as many from each as there are, up to its share
 * @throws Error for a processed record that is no row of this Pipeline
 */
export async function rowsByPartition(kafka: Kafka, pipeline: Pipeline, most: number): Promise<TableRow[][]> {
  const { processed } = namesOf(pipeline);
  const bounds = await kafka.bounds(processed);
  const total = bounds.reduce((sum, { end }) => sum + end, 0);
  const share = Math.min(1, most / total);
  return Promise.all(bounds.map(({ end }, partition) => rowsOf(kafka, pipeline, partition, Math.floor(end * share))));
}

async function rowsOf(kafka: Kafka, pipeline: Pipeline, partition: number, count: number): Promise<TableRow[]> {
  const rows: TableRow[] = [];
  for await (const row of readRows(kafka, pipeline, partition, count)) rows.push(row);
  return rows;
}

async function* readRows(kafka: Kafka, pipeline: Pipeline, partition: number, count: number): AsyncGenerator<TableRow> {
  const columns = columnsOf(pipeline);
  const key = columns.find(({ name }) => name === pipeline.spec.record.key);
  if (!key) throw new Error(`there is no column ${pipeline.spec.record.key}`);
  const writeLine = rowWriter(columns, key);
  let lines = new CopyLines();
  for await (const record of kafka.range(namesOf(pipeline).processed, partition, 0, count)) {
    const row = tableRow(readIncoming(record), writeLine, lines);
    if (!('lines' in row)) throw new Error(`processed record ${partition}/${record.offset} is no row: ${row.message}`);
    yield row;
    if (lines.length > BYTES_AT_A_TIME) lines = new CopyLines();
  }
}

/** Writes all rows of a Pipeline as COPY text. @returns how many */
export async function writeCopyFile(kafka: Kafka, pipeline: Pipeline, file: string): Promise<number> {
  const bounds = await kafka.bounds(namesOf(pipeline).processed);
  const out = await open(file, 'w', 0o644);
  let written = 0;
  try {
    for (const [partition, { end }] of bounds.entries()) {
      let rows: TableRow[] = [];
      const write = async (): Promise<void> => {
        await out.write(bytesOf(rows));
        written += rows.length;
        rows = [];
      };
      for await (const row of readRows(kafka, pipeline, partition, end)) if (rows.push(row) === ROWS_AT_A_TIME) await write();
      await write();
    }
  } finally {
    await out.close();
  }
  return written;
}

/** The values of a row as text, in the order of the columns; null for NULL. */
export function valuesOf(row: TableRow): (string | null)[] {
  return lineFields(textOf(row));
}
