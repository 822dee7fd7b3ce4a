/** A thousand phones, a hundred readings each, from the pushes to the windows: nothing is counted twice, left out or mixed. */
import { join } from 'node:path';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { encodeOrigin, ORIGIN_HEADER, RAW_TIMESTAMP_HEADER } from '@millrace/core/record/origin.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { startPostgres } from '@millrace/embedded/postgres.ts';
import { compileTransform } from '@millrace/processor/transform.ts';
import { modelOf } from '@millrace/setup/model.ts';
import { refreshTouched } from '@millrace/setup/rollups/refresh.ts';
import { withSession } from '@millrace/setup/session.ts';
import { setupDatabase } from '@millrace/setup/setup.ts';
import { differences, windowsOf } from '@millrace/setup/testWindows.ts';
import { wantedTopics } from '@millrace/setup/topics.ts';
import { batchOf, never, TOPIC, testSink } from '@millrace/sink/testSink.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { pushesOf } from '../examples/phone-sensors/simulate.ts';

const NAMES = ['x', 'y', 'z', 'yaw', 'pitch', 'roll', 'qx', 'qy', 'qz', 'qw'];
const BATCH = 5_000;

test('1,000 phones: each window is that of its readings', { timeout: 600_000 }, async () => {
  const [loaded] = await loadPipelines(join(import.meta.dirname, '../examples/phone-sensors/pipeline.yaml'));
  if (!loaded) throw new Error('no Pipeline');
  const { pipeline } = loaded;
  const postgres = await startPostgres();
  const pool = connectDatabase({ url: postgres.url, applicationName: 'test', log: pino({ level: 'silent' }) });
  try {
    await withSession(pool, 60_000, (session) => setupDatabase(session, modelOf(pipeline), wantedTopics(pipeline, null)));
    const pushes = pushesOf({ phones: 1_000, pushes: 20, seed: 11 });
    const readings = pushes.flatMap((push) => push.readings);
    const distinct = 1_000 * 20 * 5;
    expect(readings.length).toBeGreaterThan(1.08 * distinct);

    const transform = compileTransform(pipeline);
    const records = pushes.flatMap(({ text }, offset) => {
      const key = Buffer.from('k');
      const { outcomes } = transform({ offset, timestampMs: offset, key, value: Buffer.from(text), headers: {} });
      return outcomes.map((outcome): Omit<KafkaRecord, 'offset'> => {
        if (outcome.kind !== 'row') throw new Error(JSON.stringify(outcome));
        const origin = encodeOrigin({ topicId: 'raw0', offset, index: outcome.index, count: outcomes.length });
        const headers = { [ORIGIN_HEADER]: Buffer.from(origin), [RAW_TIMESTAMP_HEADER]: Buffer.from(String(offset)) };
        return { timestampMs: offset, key, value: outcome.value, headers };
      });
    });
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    for (let from = 0; from < records.length; from += BATCH) {
      const batch = records.slice(from, from + BATCH).map((record, at) => ({ ...record, offset: from + at }));
      await sink.handle(batchOf(batch));
      if (from % (4 * BATCH) === 0) await refreshTouched(pool, pipeline, 'postgresql'); // between late readings, too
    }
    expect(sink.refusals).toEqual([]);
    for (let remaining = 1; remaining > 0; ) ({ remaining } = await refreshTouched(pool, pipeline, 'postgresql'));

    const { rows: counted } = await pool.query(
      `SELECT count(*)::int AS rows, count(DISTINCT (device, session, sensor, time_ns))::int AS readings,
              count(*) FILTER (WHERE time_ns / 1000 <> (extract(epoch FROM time) * 1000000)::bigint)::int AS inexact
         FROM "default".phone_readings`,
    );
    expect(counted).toEqual([{ rows: distinct, readings: distinct, inexact: 0 }]);
    const { rows } = await pool.query('SELECT * FROM "default".phone_readings_10s');
    const expected = windowsOf(readings, 10_000);
    expect(differences(rows, expected, NAMES)).toEqual([]);
    expect(rows).toHaveLength(expected.size);
  } finally {
    await pool.end();
    await postgres.stop();
  }
});
