import { afterAll, expect, test } from 'vitest';
import { settled } from './observe.ts';
import { type Platform, type RoleName, removeFolder, startPlatform } from './platform.ts';
import { expectEachRowOnce, proofYaml } from './proof.ts';

const FEED = { records: 25_000, badEvery: 500, recordsPerSecond: 900, partitions: 4 };
const ALL = [0, 1, 2, 3];
const GROUPS = ['processor', 'sink'] as const;

let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

/** Partitions of each generation that the `nth` process of a role has joined, in order. */
function joined(role: RoleName, nth: number): number[][] {
  const lines = (platform as Platform).logged(role, nth).split('\n').slice(0, -1); // the last one may be half written
  return lines.filter((line) => line.includes('joined the group')).map((line) => JSON.parse(line).partitions);
}

/**
 * Freezes a process of each role, the sink between its COPY and its COMMIT: the table is locked until sinks wait in the middle
 * of their transactions, and let go when one of them is stopped.
 */
async function freeze(nth: number): Promise<void> {
  const { database, signal } = platform as Platform;
  const holder = await database.connect();
  try {
    await holder.query('begin; lock table "default".proof in share mode');
    const waiting = async (): Promise<number> =>
      Number(
        (await database.query("select count(*) as n from pg_stat_activity where query like 'COPY%' and wait_event_type = 'Lock'"))
          .rows[0].n,
      );
    await expect.poll(waiting, { timeout: 5_000, interval: 20 }).toBe(ALL.length);
    for (const role of GROUPS) signal(role, nth, 'SIGSTOP');
    await holder.query('commit');
  } finally {
    holder.release(true);
  }
}

test('no row is lost and none is stored twice when partitions change hands under frozen members that wake again', {
  timeout: 120_000,
}, async () => {
  platform = await startPlatform(proofYaml(FEED));
  for (const role of GROUPS) platform.startRole(role);
  const taken = (nth: number): unknown => GROUPS.map((role) => joined(role, nth).at(-1));
  const shared = GROUPS.map(() => [expect.any(Number), expect.any(Number)]);
  await expect.poll(() => [taken(0), taken(1)], { timeout: 20_000 }).toEqual([shared, shared]);
  for (const frozen of [0, 1]) {
    await freeze(frozen);
    // Until the session of the frozen ones ends, after 6 s.
    await expect.poll(() => taken(1 - frozen), { timeout: 15_000 }).toEqual(GROUPS.map(() => ALL));
    expect(await settled(platform), 'a handover after the end proves nothing: lower the rate').not.toBe('all stored');
    const before = GROUPS.map((role) => joined(role, frozen).length);
    for (const role of GROUPS) platform.signal(role, frozen, 'SIGCONT');
    await expect.poll(() => [taken(0), taken(1)], { timeout: 20_000 }).toEqual([shared, shared]);
    expect(GROUPS.map((role, at) => joined(role, frozen).length > (before[at] ?? 0))).toEqual([true, true]);
  }
  await expect.poll(() => settled(platform as Platform), { timeout: 60_000, interval: 500 }).toBe('all stored');
  await expectEachRowOnce(platform, FEED);
  await platform.stop();
  removeFolder(platform);
  platform = undefined;
});
