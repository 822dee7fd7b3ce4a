/**
 * The Pipelines that are measured: six columns beside the time, of each type, from the simulator. `columns` asks for more
 * floats or fewer fields. Default mode: no `unique`, no roll-ups.
 */

export interface Feed {
  /** Of the Pipeline and its table; letters and digits. */
  name: string;
  /** Records; 0: without end. */
  records: number;
  partitions: number;
  /** Of the table, time included; at least 2. Default 7. */
  columns?: number;
  /** Records per second; default: as fast as Kafka acknowledges, with times from a fixed start. */
  recordsPerSecond?: number;
}

export const DEFAULT_COLUMNS = 7;
const DEVICES = 1_000;
const START = '2026-01-01T00:00:00Z';

const FIRST_FIELDS = [
  'device: { type: text, required: true }',
  'temperature: { type: float, min: -40, max: 60, unit: °C }',
  'humidity: { type: float, min: 0, max: 100, unit: "%" }',
  'pulses: { type: int, min: 0 }',
  'open: { type: bool }',
  'state: { type: text, enum: [OK, LOW, HIGH] }',
];

/** A Pipeline's YAML. With a rate the time of a record is when it is due; without, it does not depend on the clock. */
export function pipelineYaml({ name, records, partitions, columns = DEFAULT_COLUMNS, recordsPerSecond }: Feed): string {
  const more = Array.from({ length: Math.max(0, columns - DEFAULT_COLUMNS) }, (_, i) => `value_${i + 1}: { type: float }`);
  const fields = [...FIRST_FIELDS, ...more].slice(0, columns - 1);
  const clock = recordsPerSecond === undefined ? `step: 1s, start: "${START}"` : `rate: ${recordsPerSecond}`;
  return `apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec:
  source: { simulator: { seed: 1, devices: ${DEVICES}, ${clock}, limit: ${records} } }
  topics: { partitions: ${partitions} }
  record:
    key: device
    time: { field: at }
    fields:
${fields.map((field) => `      ${field}\n`).join('')}  table: { name: ${name} }
`;
}
