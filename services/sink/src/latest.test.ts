/** What `<table>_latest` holds, on a real database: the newest row that counts of each combination, whatever order rows come in. */
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf, uniqueOf } from '@millrace/core/table/columns.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CopyLines } from './copyLines.ts';
import { readIncoming, type TableRow, tableRow } from './incoming.ts';
import { latestTableOf } from './latest.ts';
import { createTables, processedRecord, START_MS, testPipeline } from './testPipeline.ts';
import { writerFor } from './writers/index.ts';

let postgres: EmbeddedPostgres;
let pool: Pool;
beforeAll(async () => {
  postgres = await startPostgres();
  pool = connectDatabase({ url: postgres.url, applicationName: 'test', log: pino({ level: 'silent' }) });
}, 120_000);
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

interface Reading {
  device: string | null;
  ok: boolean | null;
  second: number;
  temperature: number | null;
  count: number | null;
}

const LATEST = { by: ['device', 'ok'], of: ['temperature', 'count'] };
const TABLES: [string, Pipeline['spec']['table']][] = [
  ['every row is kept', { name: '', latest: LATEST }],
  ['rows of one time are merged', { name: '', latest: LATEST, unique: { columns: ['device', 'ok', 'time'], keep: 'last' } }],
];

/** Stores batches as the sink's transactions do, without positions. */
async function storeAll(pipeline: Pipeline, batches: readonly (readonly Reading[])[]): Promise<void> {
  const names = namesOf(pipeline);
  const writer = writerFor({ names, columns: columnsOf(pipeline), latest: latestTableOf(pipeline) }, uniqueOf(pipeline));
  const client = await pool.connect();
  let offset = 0;
  try {
    for (const batch of batches) {
      const lines = new CopyLines();
      const rows = batch.map(({ second, ...row }): TableRow => {
        const time = new Date(START_MS + second * 1000).toISOString();
        const record = processedRecord(pipeline, { offset, row: { time, ...row }, rawTimestampMs: START_MS + offset++ });
        const read = tableRow(readIncoming(record), writer.writeLine, lines);
        if (!('lines' in read)) throw new Error(read.message);
        return read;
      });
      await client.query('BEGIN');
      if (writer.prepareSql !== null) await client.query(writer.prepareSql);
      if (rows.length > 0) await writer.write(client, rows);
      const closing = writer.closingSql(rows);
      if (closing !== null) await client.query(closing);
      await client.query('COMMIT');
    }
  } finally {
    client.release(true);
  }
}

async function stateOf(pipeline: Pipeline): Promise<Reading[]> {
  const { rows } = await pool.query(
    `SELECT device, ok, (extract(epoch FROM time) - ${START_MS / 1000})::int AS second, temperature, count::int
       FROM "default"."${namesOf(pipeline).latestTable}" ORDER BY device, ok`,
  );
  return rows;
}

/** Straightforward: of each combination the newest reading that has a value; of equal times the last one. */
function recomputed(readings: readonly Reading[]): Reading[] {
  const state = new Map<string, Reading>();
  for (const reading of readings) {
    const { device, ok, temperature, count, second } = reading;
    if (device === null || ok === null || (temperature === null && count === null)) continue;
    const known = state.get(`${device} ${ok}`);
    if (known === undefined || second >= known.second) state.set(`${device} ${ok}`, reading);
  }
  return [...state].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reading]) => reading);
}

/** All readings of a time have a value, or none. */
function withoutDoubt(reading: Reading): Reading {
  return reading.second % 3 === 0
    ? { ...reading, temperature: null, count: null }
    : { ...reading, temperature: reading.temperature ?? 1 };
}

describe.each(TABLES)('where %s', (what, table) => {
  test('in any order, with repeats and nulls, the state is that of a straightforward recomputation', {
    timeout: 120_000,
  }, async () => {
    const pipeline = testPipeline(`state-${what.length}`, { ...table, name: `state_${what.length}` });
    const { table: rows, latestTable } = namesOf(pipeline);
    await createTables(pool, pipeline);
    const reading = fc.record<Reading>({
      device: fc.constantFrom('d1', "d'2", 'ü\t3', null),
      ok: fc.constantFrom(true, false, null),
      second: fc.integer({ min: 0, max: 6 }),
      temperature: fc.option(fc.integer({ min: 0, max: 9 })),
      count: fc.option(fc.integer({ min: 0, max: 9 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(reading, { maxLength: 8 }), { maxLength: 6 }), fc.boolean(), async (batches, twice) => {
        await pool.query(`TRUNCATE "default"."${rows}", "default"."${latestTable}"`);
        // Of rows of one time that are merged, only the last one ever was: whether it has a value must not depend on the batch.
        const given = table.unique ? batches.map((batch) => batch.map(withoutDoubt)) : batches;
        const all = twice ? [...given, ...given] : given;
        await storeAll(pipeline, all);
        expect(await stateOf(pipeline)).toEqual(recomputed(all.flat()));
      }),
      { numRuns: 150 },
    );
  });

  test('a latest table that is made later is filled with the same', async () => {
    const pipeline = testPipeline(`later-${what.length}`, { ...table, name: `later_${what.length}` });
    await createTables(pool, pipeline);
    const at = (second: number, temperature: number | null): Reading => ({
      device: 'd1',
      ok: true,
      second,
      temperature,
      count: null,
    });
    await storeAll(pipeline, [[at(1, 5), at(3, null), at(2, 7), at(4, null)]]);
    const before = await stateOf(pipeline);
    expect(before).toEqual([at(2, 7)]);
    await pool.query(`DROP TABLE "default"."${namesOf(pipeline).latestTable}"`);
    await createTables(pool, pipeline);
    expect(await stateOf(pipeline)).toEqual(before);
  });
});

test('without a wish it is the newest row per key, whatever it holds', async () => {
  const pipeline = testPipeline('per-key');
  await createTables(pool, pipeline);
  const at = (second: number, temperature: number | null): Reading => ({
    device: 'd1',
    ok: null,
    second,
    temperature,
    count: null,
  });
  await storeAll(pipeline, [[at(1, 5), at(3, null)], [at(2, 7)]]);
  expect(await stateOf(pipeline)).toEqual([at(3, null)]);
});
