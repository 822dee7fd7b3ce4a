import { namesOf } from '@millrace/core/spec/names.ts';
import { simulate } from '@millrace/producer/sources/simulate.ts';
import { afterAll, expect, test } from 'vitest';
import { killSchedule } from './faults/schedule.ts';
import { firstDifference, refusedOrdinals, settled } from './observe.ts';
import { type Platform, removeFolder, startPlatform } from './platform.ts';

const RECORDS = 100_000;
const BAD_EVERY = 1_000;
const PARTITIONS = 4;

const YAML = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: proof }
spec:
  source:
    simulator: { seed: 7, devices: 500, rate: 2500, start: "2026-01-01T00:00:00Z", step: 1s, limit: ${RECORDS}, faults: { every: ${BAD_EVERY} } }
  topics: { partitions: ${PARTITIONS} }
  record:
    key: device
    time: { field: at }
    fields:
      device: { type: text, required: true }
      temperature: { type: float, required: true, min: -40, max: 60 }
      pulses: { type: int, min: 0, max: 9007199254740991 }
      open: { type: bool }
      state: { type: text, enum: [OK, LOW, HIGH] }
      note: { type: text }
      position: { type: point }
  table: { name: proof }
  rollups:
    - { every: 1h, of: [temperature] }
`;

const ROLLUP_DIFFERENCE = `
  select * from (select date_bin('1 hour', time, '2000-01-03Z') as bucket, device, count(temperature) as count, min(temperature), max(temperature)
    from "default".proof group by 1, 2) as rows
  full join "default".proof_1h as rollup using (bucket, device)
  where (rows.count, rows.min, rows.max) is distinct from (temperature_count, temperature_min, temperature_max)`;

const LATEST_DIFFERENCE = `
  (select distinct on (device) * from "default".proof order by device, time desc)
  except select * from "default".proof_latest`;

/** A seed can be given again: SEED=… */
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

test('no row is lost and none is stored twice when everything is killed', { timeout: 300_000 }, async () => {
  console.log(`seed ${seed} (give it again by SEED=${seed})`);
  platform = await startPlatform(YAML);
  const { pipeline } = platform.loaded;
  const names = namesOf(pipeline);
  for (const { target, afterMs } of killSchedule(seed, { times: 2, gapMs: [800, 3500] })) {
    await new Promise((resolve) => setTimeout(resolve, afterMs)); // the random moment is the fault, not a wait for a condition
    expect(await settled(platform), 'a kill after the end proves nothing: lower the rate').not.toBe('all stored');
    await platform.kill(target);
    console.log(`killed ${target} after ${afterMs} ms`);
  }
  await expect.poll(() => settled(platform as Platform), { timeout: 200_000, interval: 500 }).toBe('all stored');

  const good: string[] = [];
  const bad: number[] = [];
  for (let n = 0; n < RECORDS; n += 1) {
    const { value, fault } = simulate(pipeline, n);
    if (fault) bad.push(n);
    else good.push(expectedRow(value));
  }
  expect(bad.length).toBe(RECORDS / BAD_EVERY);
  const { rows } = await platform.database.query<{ row: string }>(
    `select concat_ws('|', (extract(epoch from time) * 1e6)::bigint, device, temperature, pulses, open, state, note, position_lat, position_lon) as row
     from "default".proof`,
  );
  const stored = rows.map(({ row }) => row).sort();
  expect(stored.length).toBe(good.length);
  expect(firstDifference(stored, good.sort())).toBe(null);
  expect(await refusedOrdinals(platform.kafka, names)).toEqual(bad);

  const { database } = platform;
  const one = async (sql: string): Promise<number> => Number((await database.query<{ n: string }>(sql)).rows[0]?.n);
  expect(await one('select sum(stored)::text as n from millrace.ledger')).toBe(good.length);
  await expect.poll(() => one('select count(*)::text as n from millrace.touched'), { timeout: 30_000 }).toBe(0);
  expect(await one(`select count(*)::text as n from (${ROLLUP_DIFFERENCE}) as different`), 'roll-up and rows differ').toBe(0);
  expect(await one(`select count(*)::text as n from (${LATEST_DIFFERENCE}) as different`), 'latest and rows differ').toBe(0);
  await platform.stop();
  removeFolder(platform);
  platform = undefined;
});

/** The row that must be stored, straight from the simulated bytes: nothing of the processor or sink is used here. */
function expectedRow(value: Buffer): string {
  const raw = JSON.parse(value.toString());
  const point = /^POINT \((\S+) (\S+)\)$/.exec(raw.position);
  const columns = [
    Math.round(Date.parse(raw.at) * 1000),
    raw.device,
    raw.temperature,
    raw.pulses,
    raw.open === undefined ? undefined : raw.open ? 't' : 'f',
    raw.state,
    raw.note,
    point && Number(point[2]),
    point && Number(point[1]),
  ];
  return columns
    .filter((column) => column !== undefined && column !== null)
    .map(shown)
    .join('|');
}

/** As PostgreSQL shows it: String(-0) is 0. */
function shown(value: unknown): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
