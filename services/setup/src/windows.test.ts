/**
 * Windows on a real TimescaleDB, compiled to WebAssembly: late and repeated readings arrive between runs of the policy. They are of two
 * years ago: bucket by bucket the first run would not end within minutes.
 */
import { fileURLToPath } from 'node:url';
import { list, quote } from '@millrace/core/database/identifier.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { startTimescaledb } from '@millrace/embedded/testing/timescaledb.ts';
import { expect, onTestFinished, test } from 'vitest';
import { pushesOf } from '../../../examples/phone-sensors/simulate.ts';
import { modelOf } from './model.ts';
import { setupDatabase } from './setup.ts';
import { differences, windowsOf } from './testWindows.ts';
import { wantedTopics } from './topics.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/phone-sensors/pipeline.yaml', import.meta.url));
const NAMES = ['x', 'y', 'z', 'yaw', 'pitch', 'roll', 'qx', 'qy', 'qz', 'qw'];
const PARTS = 3;

test('windows of phones are those of their readings, however late, shuffled and repeated they come', async () => {
  const [loaded] = await loadPipelines(EXAMPLE);
  if (!loaded) throw new Error('no Pipeline');
  const { pipeline } = loaded;
  const session = await startTimescaledb();
  onTestFinished(() => session.close());
  const { server } = await setupDatabase(session, modelOf(pipeline), wantedTopics(pipeline, null));
  expect(server.kind).toBe('timescaledb');

  const { rows: jobs } = await session.query(
    `SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_refresh_continuous_aggregate'`,
  );
  const [job] = jobs;
  const readings = pushesOf({ phones: 8, pushes: 30, seed: 3 }).flatMap((push) => push.readings);
  const unique = list(pipeline.spec.table.unique?.columns ?? []);
  for (let part = 0; part < PARTS; part++) {
    const from = Math.floor((part * readings.length) / PARTS);
    const rows = readings.slice(from, Math.floor(((part + 1) * readings.length) / PARTS)).map((reading) => ({
      ...reading.values,
      device: reading.device,
      session: reading.session,
      sensor: reading.sensor,
      time: new Date(Number(reading.timeNs / 1_000_000n))
        .toISOString()
        .replace('Z', `${String((reading.timeNs / 1_000n) % 1_000n).padStart(3, '0')}Z`),
      time_ns: reading.timeNs.toString(),
      _appended_ms: part,
    }));
    await session.query(
      `INSERT INTO "default".phone_readings AS kept (${list(['device', 'session', 'sensor', 'time', 'time_ns', '_appended_ms', ...NAMES])})
       SELECT device, session, sensor, time, time_ns, _appended_ms, ${NAMES.map(quote).join(', ')}
         FROM jsonb_populate_recordset(NULL::"default".phone_readings, $1::jsonb) ON CONFLICT (${unique}) DO NOTHING`,
      [JSON.stringify(rows)],
    );
    await session.query(`CALL public.run_job(${Number(job?.job_id)})`);
  }
  // Only what the policy has made, without what is added as it is read.
  await session.query('ALTER MATERIALIZED VIEW "default".phone_readings_10s SET (timescaledb.materialized_only = true)');
  const { rows } = await session.query('SELECT * FROM "default".phone_readings_10s');
  expect(differences(rows, windowsOf(readings, 10_000), NAMES)).toEqual([]);
  expect(rows.length).toBeGreaterThan(8 * 5 * 3 - 1);
});
