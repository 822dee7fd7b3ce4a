/**
 * The whole sink, from Kafka to committed rows, in a process of its own, against COPY from psql of the same rows as ready
 * text (the limit: nothing is read or decoded), INSERTs of 100, and with PEERS=1 Kafka Connect with Debezium's JDBC sink
 * on the same topic.
 */
import { join } from 'node:path';
import { measureDebezium } from '../peers/debezium.ts';
import { insertAll, oneRoundTrip, oneStatement, statementPerRow } from '../peers/inserts.ts';
import { copyClient } from '../peers/psql.ts';
import { type Figure, memorySeries } from '../report/outcome.ts';
import { median, medianRatio } from '../report/statistics.ts';
import { mustHold } from '../run/backlog.ts';
import { rounds } from '../run/rounds.ts';
import { rowsByPartition, targetOf, valuesOf, writeCopyFile } from '../run/rows.ts';
import type { Measurement } from './measurement.ts';

export const sink: Measurement = async (bench) => {
  const { servers, size } = bench;
  const backlog = await bench.backlog('sink');
  const { pipelines, records, folder } = backlog;
  const [loaded] = pipelines;
  if (loaded === undefined) throw new Error('the backlog has no Pipeline');
  const { pipeline } = loaded;
  const file = join(folder, 'sink.copy');
  await writeCopyFile(servers.kafka, pipeline, file);
  const inserted = (await rowsByPartition(servers.kafka, pipeline, records)).flat().map((row) => valuesOf(row));
  const insertedByRow = inserted.slice(0, size.insertRows);
  const psql = await copyClient();
  const target = targetOf(pipeline);

  const inDatabase = async (count: number, run: (url: string) => Promise<number>): Promise<number> => {
    const database = await servers.database(pipelines);
    try {
      const milliseconds = await run(database.url);
      await mustHold(database, pipelines, count);
      return (count * 1000) / milliseconds;
    } finally {
      await database.drop();
    }
  };
  const results = await rounds(size.rounds, {
    sink: async () => (await backlog.run('sink')).rowsPerSecond,
    copy: () => inDatabase(records, (url) => psql.copy(url, target, file)),
    inserts: () => inDatabase(inserted.length, (url) => insertAll(url, target, inserted, oneStatement)),
    insertsByRoundTrip: () => inDatabase(insertedByRow.length, (url) => insertAll(url, target, insertedByRow, oneRoundTrip)),
    insertsByRow: () => inDatabase(insertedByRow.length, (url) => insertAll(url, target, insertedByRow, statementPerRow)),
  });
  const rate = (name: string, values: number[]): Figure => ({ name, value: median(values), unit: 'rows/s' });
  const ratio = (name: string, to: number[]): Figure => ({ name, value: medianRatio(results.sink, to), unit: '×' });
  const figures: Figure[] = [
    rate('sink, from Kafka to committed rows', results.sink),
    rate('COPY from psql', results.copy),
    rate('INSERTs of 100 rows in a statement', results.inserts),
    rate('100 INSERTs of a row in a round trip', results.insertsByRoundTrip),
    rate('100 INSERTs of a row in a transaction', results.insertsByRow),
    { ...ratio('sink / COPY', results.copy), bound: { least: 0.5 } },
    { ...ratio('sink / 100 INSERTs of a row in a round trip', results.insertsByRoundTrip), bound: { least: 5 } },
    { ...ratio('sink / 100 INSERTs of a row in a transaction', results.insertsByRow), bound: { least: 5 } },
    // No bound: COPY itself is hardly five times as fast as these (docs/decisions/0024).
    ratio('sink / INSERTs of 100 rows in a statement', results.inserts),
    { name: 'COPY / INSERTs of 100 rows in a statement', value: medianRatio(results.copy, results.inserts), unit: '×' },
  ];
  const notes = [
    `${records} rows; 100 INSERTs of a row, in a round trip or awaited each: the first ${insertedByRow.length} of them; COPY is ${psql.name}`,
  ];
  if (!bench.peers) return { figures, notes, plots: [] };

  const peer = await rounds(size.rounds, {
    sink: () => backlog.run('sink'),
    debezium: (round) => measureDebezium(bench, backlog, round),
  });
  const rates = peer.debezium.map(({ rowsPerSecond }) => rowsPerSecond);
  const own = peer.sink.map(({ rowsPerSecond }) => rowsPerSecond);
  figures.push(
    rate("Debezium's JDBC sink", rates),
    { name: "sink / Debezium's JDBC sink", value: medianRatio(own, rates), unit: '×', bound: { least: 2 } },
    {
      name: "Debezium's JDBC sink: CPU",
      value: median(peer.debezium.map(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion)),
      unit: 'CPU s per million rows',
    },
    {
      name: "Debezium's JDBC sink: most resident",
      value: Math.max(...peer.debezium.map(({ peakMebibytes }) => peakMebibytes)),
      unit: 'MiB',
    },
  );
  const series = [
    ...peer.sink.slice(0, 1).map(({ looks }) => memorySeries('sink', looks)),
    ...peer.debezium.slice(0, 1).map(({ looks }) => memorySeries('Connect with Debezium', looks)),
  ];
  const plot = {
    name: 'bench-memory-peers',
    title: 'Resident memory while the same backlog is stored',
    x: { label: 'seconds' },
    y: { label: 'MiB' },
    series,
  };
  return { figures, notes, plots: [plot] };
};
