import { namesOf } from '@millrace/core/spec/names.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { settled } from './observe.ts';
import { type Platform, removeFolder, startPlatform } from './platform.ts';
import { expectEachRowOnce, proofYaml } from './proof.ts';

const FEED = { records: 6_000, badEvery: 500, recordsPerSecond: 1_000, partitions: 4 };

let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

test('a processed topic that is deleted under load, with rows that no sink has stored, takes none of them along', {
  timeout: 120_000,
}, async () => {
  platform = await startPlatform(proofYaml(FEED));
  const { loaded, kafka, database } = platform;
  const names = namesOf(loaded.pipeline);
  const ended = async (): Promise<number> => (await kafka.bounds(names.processed)).reduce((sum, { end }) => sum + end, 0);
  const stored = async (): Promise<number> => (await database.query('select from "default".proof')).rowCount ?? 0;
  await expect.poll(stored, { timeout: 20_000 }).toBeGreaterThan(500);
  const holder = await database.connect(); // the sink waits for it in its COPY, and the processor goes on
  try {
    await holder.query('begin; lock table "default".proof in share mode');
    const goal = (await stored()) + 1_000;
    await expect.poll(ended, { timeout: 8_000 }).toBeGreaterThan(goal);
    expect(await settled(platform), 'a deletion after the end proves less: lower the rate').toBe('the producer has more to send');
    await kafka.deleteTopic(names.processed);
    await setupPipeline(loaded.pipeline, { kafka, database, log: pino({ level: 'silent' }) });
    await holder.query('commit');
  } finally {
    holder.release(true);
  }
  await expect.poll(() => settled(platform as Platform), { timeout: 60_000, interval: 500 }).toBe('all stored');
  await expectEachRowOnce(platform, FEED);
  await platform.stop();
  removeFolder(platform);
  platform = undefined;
});
