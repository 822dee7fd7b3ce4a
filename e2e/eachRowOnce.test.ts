import { afterAll, expect, test } from 'vitest';
import { attack, faultsFor } from './faults/attack.ts';
import { faultSchedule } from './faults/schedule.ts';
import { settled } from './observe.ts';
import { type Platform, removeFolder, startPlatform } from './platform.ts';
import { expectEachRowOnce, proofYaml } from './proof.ts';

const FAULTS = 20;
/** The input is to outlast the faults, so it flows slowly; what is left of it afterwards comes at once. */
const FEED = { records: 100_000, badEvery: 1_000, recordsPerSecond: 600, partitions: 4 };
const AT_ONCE = 100_000;

/** A seed can be given again: SEED=… */
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

test('no row is lost and none is stored twice while twenty faults of all kinds happen', { timeout: 600_000 }, async () => {
  const startedAt = performance.now();
  const say = (line: string): void =>
    console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  console.log(`seed ${seed} (give it again by SEED=${seed})`);
  const members = { processor: 2, sink: 2 };
  platform = await startPlatform(proofYaml(FEED), { brokers: 3, proxied: true, smallDisk: true, clock: true, members });
  console.log(`logs in ${platform.folder}`);
  await expect.poll(() => stored(running()), { timeout: 60_000 }).toBeGreaterThan(0);
  const faults = faultsFor(platform, (fault, lacks) => console.log(`left out: ${fault}: needs ${lacks}`)).map(({ name }) => name);
  await attack(platform, faultSchedule(seed, { faults, count: FAULTS, gapMs: [100, 1_500] }), say);
  say('all faults done');
  platform.rewrite(proofYaml({ ...FEED, recordsPerSecond: AT_ONCE }));
  await platform.kill('producer');
  await expect.poll(() => settled(running()), { timeout: 120_000, interval: 500 }).toBe('all stored');
  say('all stored');
  await expectEachRowOnce(platform, FEED);
  await platform.stop();
  removeFolder(platform);
  platform = undefined;
});

const running = (): Platform => platform as Platform;

async function stored({ database }: Platform): Promise<number> {
  return (await database.query('select from "default".proof limit 1')).rowCount ?? 0;
}
