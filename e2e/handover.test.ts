import { setupPipeline } from '@millrace/setup/setup.ts';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { settled } from './observe.ts';
import { type Platform, type RoleName, removeFolder, startPlatform } from './platform.ts';
import { expectEachRowOnce } from './proof.ts';
import { proofYaml } from './proofFeed.ts';

const FEED = { records: 25_000, badEvery: 500, recordsPerSecond: 800, partitions: 4 };
const GROUPS = ['processor', 'sink'] as const;

let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

const running = (): Platform => platform as Platform;

/** Partitions of each generation that the `nth` process of a role has joined, in order. */
function joined(role: RoleName, nth: number): number[][] {
  const lines = running().logged(role, nth).split('\n').slice(0, -1); // the last one may be half written
  return lines.filter((line) => line.includes('joined the group')).map((line) => JSON.parse(line).partitions);
}

/** Resolves when the first and the second process of both roles have this many partitions each. */
async function untilShared(...counts: [number, number]): Promise<void> {
  const shares = () => [0, 1].map((nth) => GROUPS.map((role) => joined(role, nth).at(-1)?.length));
  await expect.poll(shares, { timeout: 60_000 }).toEqual(counts.map((count) => GROUPS.map(() => count)));
}

/**
 * Freezes a process of each role, the sink between its COPY and its COMMIT: the table is locked until a transaction of each
 * partition waits in its COPY, and let go once the processes are stopped.
 */
async function freeze(nth: number, partitions: number): Promise<void> {
  const { database, signal } = running();
  const holder = await database.connect();
  try {
    await holder.query('set idle_in_transaction_session_timeout = 0; begin; lock table "default".proof in share mode');
    const waiting = async (): Promise<number> => {
      const { rows } = await database.query(
        "select count(*) as n from pg_stat_activity where query like 'COPY%' and wait_event_type = 'Lock'",
      );
      return Number(rows[0].n);
    };
    await expect.poll(waiting, { timeout: 60_000, interval: 20 }).toBe(partitions);
    for (const role of GROUPS) signal(role, nth, 'SIGSTOP');
    await holder.query('commit');
  } finally {
    holder.release(true);
  }
}

/** Freezes a process of each role until the other one has all partitions, and wakes it. */
async function handOver(frozen: number, partitions: number): Promise<void> {
  await freeze(frozen, partitions);
  const other = () => GROUPS.map((role) => joined(role, 1 - frozen).at(-1)?.length);
  // Until the sessions of the frozen ones end, after 6 s.
  await expect.poll(other, { timeout: 45_000 }).toEqual(GROUPS.map(() => partitions));
  expect(await settled(running()), 'a handover after the end proves nothing: lower the rate').not.toBe('all stored');
  for (const role of GROUPS) running().signal(role, frozen, 'SIGCONT');
  await untilShared(partitions / 2, partitions / 2);
}

test('no row is lost and none is stored twice when partitions change hands under frozen members, and devices change partitions', {
  timeout: 240_000,
}, async () => {
  platform = await startPlatform(proofYaml(FEED));
  const { loaded, kafka, database } = platform;
  for (const role of GROUPS) platform.startRole(role);
  await untilShared(2, 2);
  await handOver(0, 4);
  const { pipeline } = loaded;
  const larger = { ...pipeline, spec: { ...pipeline.spec, topics: { ...pipeline.spec.topics, partitions: 6 } } };
  await setupPipeline(larger, { kafka, database, log: pino({ level: 'silent' }) });
  await untilShared(3, 3);
  await handOver(1, 6);
  await expect.poll(() => settled(running()), { timeout: 60_000, interval: 500 }).toBe('all stored');
  await expectEachRowOnce(platform, FEED);
  await platform.stop();
  removeFolder(platform);
  platform = undefined;
});
