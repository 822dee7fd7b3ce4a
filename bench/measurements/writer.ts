/**
 * The writer alone against what its database takes: the sink's store transaction on ready rows, beside COPY from psql of the
 * same rows as text and INSERTs of 100. Besides: what the newest row per key and the indexes cost.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quote, table } from '@millrace/core/database/identifier.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { bytesOf } from '@millrace/sink/copyLines.ts';
import { insertAll, oneStatement, statementPerRow } from '../peers/inserts.ts';
import { copyClient } from '../peers/psql.ts';
import type { Figure } from '../report/outcome.ts';
import { median, medianRatio } from '../report/statistics.ts';
import { mustHold } from '../run/backlog.ts';
import { rounds } from '../run/rounds.ts';
import { rowsByPartition, targetOf, valuesOf } from '../run/rows.ts';
import type { Database } from '../run/servers.ts';
import { rowsPerTransaction, writeAlone } from '../run/writerAlone.ts';
import type { Measurement } from './measurement.ts';

export const writer: Measurement = async (bench) => {
  const { servers, size } = bench;
  const { pipelines, folder } = await bench.backlog('sink');
  const [loaded] = pipelines;
  if (loaded === undefined) throw new Error('the backlog has no Pipeline');
  const { pipeline } = loaded;
  const rows = await rowsByPartition(servers.kafka, pipeline, size.writerRows);
  const flat = rows.flat();
  const file = join(folder, 'writer.copy');
  writeFileSync(file, bytesOf(flat));
  const inserted = flat.map((row) => valuesOf(row));
  const insertedByRow = inserted.slice(0, size.insertRows);
  const perTransaction = rowsPerTransaction(flat);
  const psql = await copyClient();
  const target = targetOf(pipeline);

  /** Rows per second of a contestant in a database of its own, which must hold all the rows at the end. */
  const timed = (count: number, run: (database: Database) => Promise<number>) => async (): Promise<number> => {
    const database = await servers.database(pipelines);
    try {
      const milliseconds = await run(database);
      await mustHold(database, pipelines, count);
      return (count * 1000) / milliseconds;
    } finally {
      await database.drop();
    }
  };
  const alone = (concurrency: number, latest: boolean) =>
    timed(flat.length, ({ pool }) =>
      writeAlone({ pipeline, pool, rows, concurrency, latest, rowsPerTransaction: perTransaction }),
    );
  const copy = timed(flat.length, ({ url }) => psql.copy(url, target, file));
  const results = await rounds(size.rounds, {
    writer: alone(1, true),
    copy,
    withoutLatest: alone(1, false),
    fourAtATime: alone(4, true),
    copyWithoutIndexes: timed(flat.length, async ({ url, pool }) => {
      const { schema, table: name } = namesOf(pipeline);
      const { rows } = await pool.query('SELECT indexname FROM pg_indexes WHERE schemaname = $1 AND tablename = $2', [
        schema,
        name,
      ]);
      for (const { indexname } of rows) await pool.query(`DROP INDEX ${table(schema, indexname)}`);
      return psql.copy(url, target, file);
    }),
    inserts: timed(inserted.length, ({ url }) => insertAll(url, target, inserted, oneStatement)),
    insertsByRow: timed(insertedByRow.length, ({ url }) => insertAll(url, target, insertedByRow, statementPerRow)),
  });
  const rate = (name: string, values: number[]): Figure => ({ name, value: median(values), unit: 'rows/s' });
  const ratio = (name: string, of: number[], to: number[]): Figure => ({ name, value: medianRatio(of, to), unit: '×' });
  return {
    figures: [
      rate('writer, one transaction at a time', results.writer),
      rate('writer, four at a time as the sink has', results.fourAtATime),
      rate('COPY from psql', results.copy),
      rate('INSERTs of 100 rows in a statement', results.inserts),
      rate('100 INSERTs of a row in a transaction', results.insertsByRow),
      { ...ratio('writer / COPY', results.writer, results.copy), bound: { least: 0.75 } },
      ratio('writer, four at a time / COPY', results.fourAtATime, results.copy),
      ratio('writer / INSERTs of 100 rows in a statement', results.writer, results.inserts),
      ratio('writer / 100 INSERTs of a row in a transaction', results.writer, results.insertsByRow),
      ratio('writer / writer without the newest row per key', results.writer, results.withoutLatest),
      ratio('COPY / COPY into the table without its indexes', results.copy, results.copyWithoutIndexes),
    ],
    notes: [
      `${flat.length} rows, ${perTransaction} per transaction as a fetch brings them, in the table that set-up makes for ${quote(pipeline.metadata.name)}; 100 INSERTs of a row: the first ${insertedByRow.length} of them; COPY is ${psql.name}`,
    ],
    plots: [],
  };
};
