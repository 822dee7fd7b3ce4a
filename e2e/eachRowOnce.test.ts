import { afterAll, expect, test } from 'vitest';
import { killSchedule } from './faults/schedule.ts';
import { settled } from './observe.ts';
import { type Platform, removeFolder, startPlatform } from './platform.ts';
import { expectEachRowOnce, proofYaml } from './proof.ts';

const FEED = { records: 100_000, badEvery: 1_000, recordsPerSecond: 2_500, partitions: 4 };

/** A seed can be given again: SEED=… */
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

test('no row is lost and none is stored twice when everything is killed', { timeout: 300_000 }, async () => {
  console.log(`seed ${seed} (give it again by SEED=${seed})`);
  platform = await startPlatform(proofYaml(FEED));
  for (const { target, afterMs } of killSchedule(seed, { times: 2, gapMs: [800, 3500] })) {
    await new Promise((resolve) => setTimeout(resolve, afterMs)); // the random moment is the fault, not a wait for a condition
    expect(await settled(platform), 'a kill after the end proves nothing: lower the rate').not.toBe('all stored');
    await platform.kill(target);
    console.log(`killed ${target} after ${afterMs} ms`);
  }
  await expect.poll(() => settled(platform as Platform), { timeout: 200_000, interval: 500 }).toBe('all stored');
  await expectEachRowOnce(platform, FEED);
  await platform.stop();
  removeFolder(platform);
  platform = undefined;
});
