/** A backlog never makes a role large, however large its records are and however many partitions hold them. */
import { readFileSync } from 'node:fs';
import { namesOf } from '@millrace/core/spec/names.ts';
import { afterAll, expect, test } from 'vitest';
import { type Platform, removeFolder, startPlatform } from './platform.ts';

const PARTITIONS = 16;
const RECORDS = 4 * PARTITIONS;
/** Near record.maxBytes. */
const NOTE_BYTES = 1_000_000;
/** Every so many records are refused, and travel to the dead-letter topic whole. */
const REFUSED_EVERY = 4;
/** What docs/performance.md says of each role. */
const LIMIT_MEBIBYTES = 250;

const YAML = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: large }
spec:
  source: { simulator: { seed: 1, devices: 1, rate: 100, limit: 1, start: "2026-01-01T00:00:00Z" } }
  topics: { partitions: ${PARTITIONS} }
  record:
    key: device
    time: { field: at }
    fields:
      device: { type: text, required: true }
      reading: { type: int, max: ${RECORDS} }
      note: { type: text }
  table: { name: large }
`;

let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

/** Resident memory at its highest (proc(5)), MiB. */
function peakMebibytes(pid: number): number {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(peak) / 1024);
}

test.runIf(process.platform === 'linux')(
  `a backlog of ${RECORDS} records of 1 MB keeps processor and sink below ${LIMIT_MEBIBYTES} MiB`,
  { timeout: 180_000 },
  async () => {
    platform = await startPlatform(YAML, { members: { producer: 0, processor: 0, sink: 0 } });
    const { kafka, database, loaded } = platform;
    const names = namesOf(loaded.pipeline);
    const sender = kafka.sender();
    const note = 'millrace '.repeat(NOTE_BYTES / 9);
    for (let n = 0; n < RECORDS; n += 1) {
      const reading = n % REFUSED_EVERY === 0 ? RECORDS + 1 : n;
      const value = Buffer.from(JSON.stringify({ at: '2026-01-02T00:00:00Z', device: `d${n}`, reading, note }));
      await sender.send(names.raw, n % PARTITIONS, [{ key: Buffer.from(`d${n}`), value, headers: { source: 'test' } }]);
    }
    await sender.close();
    platform.startRole('processor');
    platform.startRole('sink');
    const stored = async (): Promise<number> =>
      Number((await database.query('select count(*) from "default".large')).rows[0].count);
    await expect.poll(stored, { timeout: 120_000, interval: 200 }).toBe(RECORDS - RECORDS / REFUSED_EVERY);
    const refused = (await kafka.bounds(names.dlq)).reduce((sum, { end }) => sum + end, 0);
    expect(refused).toBe(RECORDS / REFUSED_EVERY);
    const peaks = (['processor', 'sink'] as const).map((role) => peakMebibytes(platform?.pids(role)[0] ?? 0));
    console.log(`most resident: processor ${peaks[0]} MiB, sink ${peaks[1]} MiB`);
    for (const peak of peaks) expect(peak).toBeLessThan(LIMIT_MEBIBYTES);
    await platform.stop();
    removeFolder(platform);
    platform = undefined;
  },
);
