import { connectDatabase } from '@millrace/core/database/connect.ts';
import { type FaultProxy, startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { withSession } from '@millrace/setup/session.ts';
import { migrate } from '@millrace/setup/system.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { shareRegistry } from './shared.ts';
import { type WatchedRegistry, watchRegistry } from './watch.ts';

const log = pino({ level: 'silent' });
const WAIT = { timeout: 60_000, interval: 20 };
const NEVER_MS = 3_600_000;
let postgres: EmbeddedPostgres;
let proxy: FaultProxy;
let admin: Pool;
let pool: Pool;
const watches = new Set<WatchedRegistry>();

beforeAll(async () => {
  postgres = await startPostgres();
  admin = connectDatabase({ url: postgres.url, applicationName: 'admin', log });
  await withSession(admin, 60_000, migrate);
}, 120_000);
afterAll(async () => {
  await admin?.end();
  await postgres?.stop();
});
beforeEach(async () => {
  const url = new URL(postgres.url);
  proxy = await startFaultProxy(`${url.hostname}:${url.port}`);
  url.port = String(proxy.port);
  pool = connectDatabase({ url: url.href, applicationName: 'watched', log });
  await admin.query('DELETE FROM millrace.registry_devices');
});
afterEach(async () => {
  await Promise.all([...watches].map((watch) => watch.stop()));
  watches.clear();
  await pool.end();
  await proxy.stop();
});

/** Without looking by itself: what it sees, it was told. */
function watch(lookMs = NEVER_MS): WatchedRegistry {
  const made = watchRegistry(pool, log, lookMs);
  watches.add(made);
  return made;
}
const add = (n: number): Promise<unknown> =>
  admin.query('INSERT INTO millrace.registry_devices VALUES ($1)', [`f2-00000000000${n}`]);
const devices = (watched: WatchedRegistry): string[] =>
  watched.waitsFor() === null ? [...watched.view().keys()].toSorted() : [];
const upTo = (n: number): string[] => Array.from({ length: n }, (_, at) => `f2-00000000000${at + 1}`);

test('before it was read nobody is shown one, and it says what it waits for; then it comes by itself', async () => {
  await add(1);
  await proxy.refuse();
  const watched = watch();
  await expect.poll(() => watched.waitsFor(), WAIT).toMatch(/^the device registry was not read yet: database of the registry/);
  expect(() => watched.view()).toThrow(/not read yet/);
  await proxy.accept();
  await expect.poll(() => devices(watched), WAIT).toEqual(upTo(1));
});

test('whoever changes it, and however: it is read again', async () => {
  const watched = watch();
  await expect.poll(() => watched.waitsFor(), WAIT).toBeNull();
  await add(1);
  await expect.poll(() => devices(watched), WAIT).toEqual(upTo(1));
  await admin.query('DELETE FROM millrace.registry_devices');
  await expect.poll(() => devices(watched), WAIT).toEqual([]);
});

test('what changed while the connection was broken is seen after it; until then the last one counts', async () => {
  await add(1);
  const watched = watch();
  await expect.poll(() => devices(watched), WAIT).toEqual(upTo(1));
  await proxy.refuse();
  await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'watched'`);
  await add(2);
  expect(devices(watched)).toEqual(upTo(1));
  await proxy.accept();
  await expect.poll(() => devices(watched), WAIT).toEqual(upTo(2));
  await add(3);
  await expect.poll(() => devices(watched), WAIT).toEqual(upTo(3));
});

test('what nobody told it, it sees when it looks', async () => {
  const watched = watch(200);
  await expect.poll(() => watched.reads(), WAIT).toBeGreaterThan(2);
});

test('several that watch share a connection, and the last one ends it', async () => {
  const connections = async (): Promise<number> =>
    Number((await admin.query(`SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'watched'`)).rows[0]?.n);
  const [first, second] = [shareRegistry(pool, log), shareRegistry(pool, log)];
  await expect.poll(() => [first, second].map((one) => one.waitsFor()), WAIT).toEqual([null, null]);
  expect(await connections()).toBe(1);
  await first.stop();
  await first.stop();
  await add(1);
  await expect.poll(() => devices(second), WAIT).toEqual(upTo(1));
  await second.stop();
  await expect.poll(connections, WAIT).toBe(0);
});
