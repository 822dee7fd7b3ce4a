import { connectDatabase } from '@millrace/core/database/connect.ts';
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { encodeRedrive, REDRIVE_HEADER, type Redrive } from '@millrace/core/record/redrive.ts';
import type { Row } from '@millrace/core/record/row.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { guardTest } from '@millrace/core/testing/guardTest.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import type { Pool, PoolClient } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTables, processedRecord, START_MS, testPipeline } from './testPipeline.ts';
import { batchOf, countsIn, good, ledgerOf, never, type TestSink, TOPIC, testSink, upTo } from './testSink.ts';

let postgres: EmbeddedPostgres;
let pool: Pool;

beforeAll(async () => {
  postgres = await startPostgres();
  pool = connectDatabase({ url: postgres.url, applicationName: 'redriven.test', log: pino({ level: 'silent' }) });
}, 60_000);
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

async function made(
  name: string,
  spec: Partial<Pipeline['spec']['table']> = {},
): Promise<{ pipeline: Pipeline; sink: TestSink }> {
  const pipeline = testPipeline(name, spec);
  await createTables(pool, pipeline);
  const sink = testSink(pipeline, pool);
  await sink.load(0, TOPIC, never);
  return { pipeline, sink };
}

const REFUSED: Redrive = { topicId: 'raw0', partition: 0, offset: 3, index: 0, attempt: 1, rawTimestampMs: START_MS, as: 'raw' };

/** A processed record at `offset`, redriven from the refusal of raw offset `of`. */
function redriven(pipeline: Pipeline, offset: number, of: Partial<Redrive>, row: Partial<Row> = {}): KafkaRecord {
  const redrive = { ...REFUSED, ...of };
  const record = processedRecord(pipeline, { offset, row: { count: 1_000 + redrive.offset, ...row } });
  return { ...record, headers: { ...record.headers, [REDRIVE_HEADER]: Buffer.from(encodeRedrive(redrive)) } };
}

const notes = async (pipeline: Pipeline): Promise<number[]> => {
  const sql = 'SELECT raw_offset FROM millrace.redriven WHERE pipeline = $1 ORDER BY 1';
  return (await pool.query(sql, [namesOf(pipeline).pipeline])).rows.map(({ raw_offset }) => Number(raw_offset));
};

guardTest('a redriven record is sent again: in the same batch, in a later one, to another sink', {
  async scenario(label) {
    const { pipeline, sink } = await made(`once-${label}`);
    await sink.handle(batchOf([...good(pipeline, 0, 2), redriven(pipeline, 2, {}), redriven(pipeline, 3, { attempt: 2 })]));
    await sink.handle(batchOf([redriven(pipeline, 4, { attempt: 3 }), redriven(pipeline, 5, { offset: 4 })]));
    const other = testSink(pipeline, pool);
    await other.load(0, TOPIC, never);
    await other.handle(batchOf([redriven(pipeline, 6, { attempt: 4 }), ...good(pipeline, 7, 9)]));
    return {
      rows: await countsIn(pool, pipeline),
      ledger: await ledgerOf(pool, pipeline),
      noted: await notes(pipeline),
      shown: await sink.metric('millrace_sink_rows_total', { result: 'merged' }),
    };
  },
  right: {
    rows: [0, 1, 7, 8, 1_003, 1_004],
    ledger: { stored: 6, refused: 0, repeats: 0, merged: 3, lost: 0 },
    noted: [3, 4],
    shown: 2,
  },
  without: { 'redriven-once': expect.objectContaining({ rows: [0, 1, 7, 8, 1_003, 1_003, 1_003, 1_003, 1_004] }) },
});

test('other objects of the same record, other partitions and other Pipelines are other refusals', async () => {
  const { pipeline, sink } = await made('places');
  const { pipeline: neighbour, sink: next } = await made('neighbour');
  const places = [{}, { index: 1 }, { partition: 1 }, { topicId: 'raw0~1' }, { offset: 4 }];
  await sink.handle(batchOf(places.map((place, at) => redriven(pipeline, at, place))));
  await next.handle(batchOf([redriven(neighbour, 0, {})]));
  expect([(await countsIn(pool, pipeline)).length, (await countsIn(pool, neighbour)).length]).toEqual([5, 1]);
});

test('a redriven row that the database refuses again is refused under its identity, and can be redriven later', async () => {
  const { pipeline, sink } = await made('again');
  await pool.query('ALTER TABLE "default".again ADD CONSTRAINT small CHECK (count < 1010)');
  const rows = [...good(pipeline, 0, 5), redriven(pipeline, 5, { offset: 10 }), redriven(pipeline, 6, { offset: 9 })];
  await sink.handle(batchOf(rows));
  expect(await countsIn(pool, pipeline)).toEqual([0, 1, 2, 3, 4, 1_009]);
  expect(sink.refusals.map(({ incoming }) => incoming.redrive?.offset)).toEqual([10]);
  expect(await notes(pipeline)).toEqual([9]);
  await pool.query('ALTER TABLE "default".again DROP CONSTRAINT small');
  await sink.handle(batchOf([redriven(pipeline, 7, { offset: 10, attempt: 2 })]));
  expect((await countsIn(pool, pipeline)).at(-1)).toBe(1_010);
  expect(await ledgerOf(pool, pipeline)).toMatchObject({ stored: 7, refused: 1, merged: 0 });
});

test('many redriven rows that are all refused again neither stop the partition nor the live feed behind them', async () => {
  const { pipeline, sink } = await made('stubborn');
  await pool.query('ALTER TABLE "default".stubborn ADD CONSTRAINT small CHECK (count < 1000)');
  await sink.handle(batchOf(upTo(40).map((at) => redriven(pipeline, at, { offset: at }))));
  expect(sink.refusals).toHaveLength(40);
  await sink.handle(batchOf([...upTo(20).map((at) => redriven(pipeline, 40 + at, { offset: at })), ...good(pipeline, 60, 63)]));
  expect(await countsIn(pool, pipeline)).toEqual([60, 61, 62]);
});

test('rows and notes are stored together or not at all', async () => {
  const { pipeline, sink } = await made('together');
  const other = testSink(pipeline, pool);
  await other.load(0, TOPIC, never);
  await other.handle(batchOf(good(pipeline, 0, 1)));
  await expect(sink.handle(batchOf([redriven(pipeline, 0, {})]))).rejects.toThrow(); // the other one moved the position
  expect(await notes(pipeline)).toEqual([]);
  await sink.load(0, TOPIC, never);
  await sink.handle(batchOf([redriven(pipeline, 1, {})]));
  expect(await countsIn(pool, pipeline)).toEqual([0, 1_003]);
});

test('a place that another partition notes meanwhile is not stored a second time', async () => {
  const { pipeline, sink } = await made('meanwhile');
  const insert = `INSERT INTO millrace.redriven VALUES ('${namesOf(pipeline).pipeline}', 'raw0', 0, 3, 0, 1)`;
  const raced = testSink(pipeline, Object.assign(Object.create(pool) as Pool, { connect: connectThenNote }));
  let connections = 0;
  async function connectThenNote(): Promise<PoolClient> {
    // load, what is noted, the transaction
    if (++connections === 3) await pool.query(insert);
    return pool.connect();
  }
  await raced.load(0, TOPIC, never);
  await expect(raced.handle(batchOf([redriven(pipeline, 0, {})]))).rejects.toThrow('duplicate key');
  expect(await countsIn(pool, pipeline)).toEqual([]);
  await sink.handle(batchOf([redriven(pipeline, 0, {}), ...good(pipeline, 1, 2)]));
  expect(await countsIn(pool, pipeline)).toEqual([1]);
});

test('in a unique table a redriven row counts as of when it first came: a later correction stays, an earlier one goes', async () => {
  const { pipeline, sink } = await made('corrected', { unique: { columns: ['device', 'time'], keep: 'last' } });
  const at = (count: number, device: string): Partial<Row> => ({ count, device, time: '2026-01-02T00:00:00Z' });
  const [early, late] = [START_MS - 7_200_000, START_MS + 7_200_000];
  const first = ['a', 'b'].map((device, offset) => processedRecord(pipeline, { offset, row: at(1, device) }));
  await sink.handle(batchOf(first));
  await sink.handle(
    batchOf([
      redriven(pipeline, 2, { offset: 1, rawTimestampMs: early }, at(2, 'a')),
      redriven(pipeline, 3, { offset: 2, rawTimestampMs: late }, at(3, 'b')),
    ]),
  );
  const { rows } = await pool.query('SELECT device, count FROM "default".corrected ORDER BY device');
  expect(rows.map(({ device, count }) => [device, Number(count)])).toEqual([
    ['a', 1],
    ['b', 3],
  ]);
  expect(await ledgerOf(pool, pipeline)).toEqual({ stored: 2, refused: 0, repeats: 0, merged: 2, lost: 0 });
  await sink.handle(batchOf([redriven(pipeline, 4, { offset: 2, rawTimestampMs: late }, at(3, 'b'))]));
  expect(await ledgerOf(pool, pipeline)).toMatchObject({ stored: 2, merged: 3 });
});

test('a header that no redrive writes does not get a row into the table', async () => {
  const { pipeline, sink } = await made('nonsense');
  const [record] = good(pipeline, 0, 1);
  if (!record) throw new Error('no record');
  const headers = { ...record.headers, [REDRIVE_HEADER]: Buffer.from('raw0:3:4') };
  await sink.handle(batchOf([{ ...record, headers }]));
  expect(sink.refusals.map(({ reason, message }) => [reason, message])).toEqual([
    ['foreign', 'header millrace.redrive is "raw0:3:4"'],
  ]);
});
