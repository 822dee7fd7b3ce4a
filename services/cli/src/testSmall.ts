/** For tests: a small file and its Pipeline, with servers that are there already. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { afterAll, beforeAll } from 'vitest';
import { millrace, type Ran } from './testing.ts';

/** Twenty records of four devices: one out of range, one without a time, two of a device that is filtered out. */
export const CSV = [
  'id,at,celsius,on',
  ...Array.from({ length: 16 }, (_, n) => `a${n % 3},2024-01-01T00:00:${String(n).padStart(2, '0')}Z,${n / 2},${n % 4 === 0}`),
  'a0,2024-01-01T00:01:00Z,999,true',
  'a1,,20,true',
  'spare,2024-01-01T00:01:02Z,1,false',
  'spare,2024-01-01T00:01:03Z,2,false',
].join('\n');

export const SPEC = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: small }
spec:
  source: { replay: { path: small.csv } }
  topics: { partitions: 3 }
  record:
    key: id
    time: { field: at }
    fields:
      id: { type: text, required: true }
      celsius: { type: float, min: -50, max: 60, unit: °C }
      on: { type: bool }
    where: [{ name: spare, cel: "id != 'spare'" }]
  table: { name: small }
  rollups: [{ every: 1m, of: [celsius] }]
`;

export const folder = mkdtempSync(join(tmpdir(), 'millrace-once-'));
/** The Pipeline. */
export const file = join(folder, 'small.yaml');
export let kafka: EmbeddedKafka;
export let postgres: EmbeddedPostgres;
/** Names the servers to the command. */
export let env: Record<string, string>;

/** Kafka and PostgreSQL for the tests of this file. */
export function withServers(): void {
  beforeAll(async () => {
    writeFileSync(file, SPEC);
    writeFileSync(join(folder, 'small.csv'), CSV);
    [kafka, postgres] = await Promise.all([startKafka({ heapMegabytes: 128 }), startPostgres()]);
    env = { MILLRACE_KAFKA: kafka.brokers.join(','), MILLRACE_DATABASE: postgres.url };
  }, 120_000);
  afterAll(async () => {
    await Promise.all([kafka?.stop(), postgres?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);
}

export const run = (words: readonly string[]): Promise<Ran> => millrace([...words, '--data', join(folder, 'data')], env);
