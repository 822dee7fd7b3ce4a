import { namesOf } from '@millrace/core/spec/names.ts';
import { afterAll, expect, test } from 'vitest';
import { settled } from './observe.ts';
import { type Platform, removeFolder, startPlatform } from './platform.ts';

const PARTITIONS = 4;
/** What the README promises: a row is in the table this long after it was produced, though no other follows it. */
const LIMIT_MS = 2_000;

const YAML = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: tail }
spec:
  source:
    simulator: { seed: 1, devices: 1, rate: 100, limit: 1, start: "2026-01-01T00:00:00Z" }
  topics: { partitions: ${PARTITIONS} }
  record:
    key: device
    time: { field: at }
    fields:
      device: { type: text, required: true }
      reading: { type: float }
  table: { name: tail }
`;

let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

test('the last row of a feed does not wait for the next one', { timeout: 120_000 }, async () => {
  platform = await startPlatform(YAML);
  const { kafka, database, loaded } = platform;
  const names = namesOf(loaded.pipeline);
  await expect.poll(() => settled(platform as Platform), { timeout: 60_000, interval: 100 }).toBe('all stored');

  const sender = kafka.sender();
  const waitedMs: number[] = [];
  for (let n = 0; n < 3 * PARTITIONS; n += 1) {
    const device = `last-${n}`;
    const value = Buffer.from(JSON.stringify({ at: '2026-01-02T00:00:00Z', device, reading: n }));
    const producedAt = performance.now();
    await sender.send(names.raw, n % PARTITIONS, [{ key: Buffer.from(device), value, headers: { source: 'test' } }]);
    const isStored = async (): Promise<boolean> =>
      (await database.query('select from "default".tail where device = $1', [device])).rowCount === 1;
    await expect.poll(isStored, { timeout: LIMIT_MS, interval: 10 }).toBe(true);
    waitedMs.push(Math.round(performance.now() - producedAt));
  }
  console.log(`produced to stored, one row at a time: ${waitedMs.join(', ')} ms`);
  await sender.close();
  await platform.stop();
  removeFolder(platform);
  platform = undefined;
});
