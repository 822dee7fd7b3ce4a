/**
 * A simulated feed and what must become of each of its records, from the simulated bytes alone: nothing of the processor or
 * sink is used here.
 */
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { simulate } from '@millrace/producer/simulator/simulate.ts';

export interface ProofFeed {
  records: number;
  /** Each so many records one is bad. */
  badEvery: number;
  recordsPerSecond: number;
  partitions: number;
  /** Processors and sinks, each so many; only in a cluster. */
  members?: number;
  /** Whether the newest rows are in a topic, too. Default: no. */
  hasTopic?: boolean;
}

export const PROOF_NAME = 'proof';

/** The Pipeline `proof`, whose table is of the same name in the schema of the namespace. */
export const proofYaml = ({ records, badEvery, recordsPerSecond, partitions, members, hasTopic }: ProofFeed): string => `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: ${PROOF_NAME} }
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
  table: { name: ${PROOF_NAME}${hasTopic ? ', latest: { topic: true }' : ''} }
  rollups:
    - { every: 1h, of: [temperature] }
${members === undefined ? '' : `  scale: { min: ${members} }\n`}`;

/** One text per stored row, all columns in it, as `expectedOf` has them. */
export const rowsSql = (schema: string): string => `
  select concat_ws('|', (extract(epoch from time) * 1e6)::bigint, device, temperature, pulses, open, state, note, position_lat, position_lon) as row
  from "${schema}".proof`;

/** Buckets where roll-up and rows differ. */
export const rollupDifferenceSql = (schema: string): string => `
  select * from (select date_bin('1 hour', time, '2000-01-03Z') as bucket, device, count(temperature) as count, min(temperature), max(temperature)
    from "${schema}".proof group by 1, 2) as rows
  full join "${schema}".proof_1h as rollup using (bucket, device)
  where (rows.count, rows.min, rows.max) is distinct from (temperature_count, temperature_min, temperature_max)`;

/** Newest rows that are not in the table of the newest rows. */
export const latestDifferenceSql = (schema: string): string => `
  (select distinct on (device) * from "${schema}".proof order by device, time desc)
  except select * from "${schema}".proof_latest`;

export interface Expected {
  /** The rows that must be stored, sorted. */
  good: string[];
  /** The records that must be refused: their ordinals, in order, and their bytes as text. */
  bad: { ordinal: number; value: string }[];
}

export function expectedOf(pipeline: Pipeline, records: number): Expected {
  const good: string[] = [];
  const bad: Expected['bad'] = [];
  for (let ordinal = 0; ordinal < records; ordinal += 1) {
    const { value, fault } = simulate(pipeline, ordinal);
    if (fault) bad.push({ ordinal, value: value.toString() });
    else good.push(expectedRow(value));
  }
  return { good: good.sort(), bad };
}

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
