/** A simulated feed, what must become of each of its records, and the comparison of the two. */
import { fullAudit } from '@millrace/audit/full/full.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { simulate } from '@millrace/producer/sources/simulate.ts';
import { expect } from 'vitest';
import { firstDifference, refusedOrdinals } from './observe.ts';
import type { Platform } from './platform.ts';

export interface ProofFeed {
  records: number;
  /** Each so many records one is bad. */
  badEvery: number;
  recordsPerSecond: number;
  partitions: number;
}

/** The Pipeline `default/proof`, whose table is `"default".proof`. */
export const proofYaml = ({ records, badEvery, recordsPerSecond, partitions }: ProofFeed): string => `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: proof }
spec:
  source:
    simulator: { seed: 7, devices: 500, rate: ${recordsPerSecond}, start: "2026-01-01T00:00:00Z", step: 1s, limit: ${records}, faults: { every: ${badEvery} } }
  topics: { partitions: ${partitions} }
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

/** Table, dead-letter topic, ledger, roll-up and newest rows hold each simulated record once, with all its values; the audit agrees, in counts and in full. */
export async function expectEachRowOnce({ loaded, kafka, database }: Platform, { records, badEvery }: ProofFeed): Promise<void> {
  const { good, bad } = expected(loaded.pipeline, records);
  expect(bad.length).toBe(records / badEvery);
  const { rows } = await database.query<{ row: string }>(
    `select concat_ws('|', (extract(epoch from time) * 1e6)::bigint, device, temperature, pulses, open, state, note, position_lat, position_lon) as row
     from "default".proof`,
  );
  const stored = rows.map(({ row }) => row).sort();
  expect(stored.length).toBe(good.length);
  expect(firstDifference(stored, good)).toBe(null);
  expect(await refusedOrdinals(kafka, namesOf(loaded.pipeline))).toEqual(bad);

  const one = async (sql: string): Promise<number> => Number((await database.query<{ n: string }>(sql)).rows[0]?.n);
  expect(await one('select sum(stored)::text as n from millrace.ledger')).toBe(good.length);
  await expect.poll(() => one('select count(*)::text as n from millrace.touched'), { timeout: 30_000 }).toBe(0);
  expect(await one(`select count(*)::text as n from (${ROLLUP_DIFFERENCE}) as different`), 'roll-up and rows differ').toBe(0);
  expect(await one(`select count(*)::text as n from (${LATEST_DIFFERENCE}) as different`), 'latest and rows differ').toBe(0);
  const { state, checks } = await fullAudit(loaded.pipeline, { kafka, database });
  expect(
    checks.flatMap(({ findings }) => findings),
    'what the audit found',
  ).toEqual([]);
  expect(state).toBe('equal');
}

/** The rows that must be stored, sorted, and the ordinals of the records that must be refused. */
function expected(pipeline: Pipeline, records: number): { good: string[]; bad: number[] } {
  const good: string[] = [];
  const bad: number[] = [];
  for (let n = 0; n < records; n += 1) {
    const { value, fault } = simulate(pipeline, n);
    if (fault) bad.push(n);
    else good.push(expectedRow(value));
  }
  return { good: good.sort(), bad };
}

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
