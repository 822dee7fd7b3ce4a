import { connectDatabase } from '@millrace/core/database/connect.ts';
import { Reload } from '@millrace/core/kafka/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTables, testPipeline } from './testPipeline.ts';
import { batchOf, countsIn, good, never, TOPIC, testSink } from './testSink.ts';

let server: EmbeddedPostgres;
let pool: Pool;
beforeAll(async () => {
  server = await startPostgres();
  pool = connectDatabase({ url: server.url, applicationName: 'test', log: pino({ level: 'silent' }) });
}, 60_000);
afterAll(async () => {
  await pool?.end();
  await server?.stop();
});

/** As `millrace reset --table` does it: another owner, and every position moved. */
const HAND_OVER = `
  BEGIN;
  UPDATE millrace.owners SET pipeline = pipeline || ' old' WHERE pipeline = 'default/old-spec';
  INSERT INTO millrace.owners VALUES ('table', 'default.new_table', 'default/old-spec'), ('table', 'default.new_table_latest', 'default/old-spec');
  UPDATE millrace.positions SET version = version + 1, writer = gen_random_uuid() WHERE pipeline = 'default/old-spec';
  COMMIT`;

test('a sink whose table was handed over stores nothing more, says which table it is now, and goes on when it is given back', async () => {
  const pipeline = testPipeline('old-spec');
  await createTables(pool, pipeline);
  const sink = testSink(pipeline, pool);
  await sink.load(0, TOPIC, never);
  await sink.handle(batchOf(good(pipeline, 0, 5)));
  await pool.query(HAND_OVER);
  await expect(sink.handle(batchOf(good(pipeline, 5, 9)))).rejects.toThrow(Reload);
  await expect(sink.load(0, TOPIC, never)).rejects.toThrow(
    'the table default.old_spec is no longer that of default/old-spec, which is default.new_table now',
  );
  expect(sink.pauses().get(0)).toMatchObject({ at: 'load', reason: 'handed_over' });
  expect(await countsIn(pool, pipeline)).toEqual([0, 1, 2, 3, 4]);

  await expect(createTables(pool, pipeline), 'set-up with the old spec would undo the handover').rejects.toThrow(
    'is an old one of default/old-spec, whose rows go to another since a reset',
  );
  await pool.query("UPDATE millrace.owners SET pipeline = 'default/old-spec' WHERE pipeline = 'default/old-spec old'");
  await sink.load(0, TOPIC, never);
  await sink.handle(batchOf(good(pipeline, 5, 9)));
  expect(sink.pauses().size).toBe(0);
  expect(await countsIn(pool, pipeline)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});
