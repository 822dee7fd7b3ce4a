/**
 * The platform's database roles: everything works with what `roleStatements` give, the writer is refused where any of its
 * privileges is missing, and nobody can do more.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { watchRegistry } from '@millrace/registry/watch.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatabaseRole, databaseRoles, firstRefusal, operatedRoles, pipelineOf, type World, writeRecords } from './feed.ts';

const log = pino({ level: 'silent' });
let server: EmbeddedKafka;
let postgres: EmbeddedPostgres;
let world: World;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-roles-'));
  writeRecords(folder);
  [server, postgres] = await Promise.all([startKafka(), startPostgres()]);
  const admin = connectKafka({ brokers: server.brokers, clientId: 'admin', log });
  const superuser = connectDatabase({ url: postgres.url, applicationName: 'superuser', log });
  const clients = { setup: admin, producer: admin, processor: admin, sink: admin };
  world = { folder, admin, superuser, clients, pools: await databaseRoles(postgres.url, superuser) };
}, 180_000);

afterAll(async () => {
  await world?.admin.close();
  await Promise.all([world?.superuser, ...Object.values(world?.pools ?? {})].map((pool) => pool?.end()));
  await Promise.all([server?.stop(), postgres?.stop()]);
  rmSync(world.folder, { recursive: true, force: true });
});

test.each([
  ['plain', {}],
  ['merging', { unique: { columns: ['id', 'time'] } }],
  ['retained', { retain: '20y', chunk: '1d' }],
])('set-up as owner, rows as writer: a %s table', async (name, table) => {
  expect(await firstRefusal(world, pipelineOf('whole', name, table))).toBeNull();
});

test('a writer of a merging table without temporary tables is refused', async () => {
  const { superuser } = world;
  const revoke = () => superuser.query('REVOKE TEMPORARY ON DATABASE millrace FROM writer');
  try {
    expect(await firstRefusal(world, pipelineOf('no-temporary', 'p', { unique: { columns: ['id', 'time'] } }), revoke)).toEqual({
      user: 'sink',
      message: expect.stringMatching(/permission denied/),
    });
  } finally {
    await superuser.query('GRANT TEMPORARY ON DATABASE millrace TO writer');
  }
});

test.each([
  'USAGE ON SCHEMA',
  'SELECT ON ALL TABLES IN SCHEMA',
  'INSERT ON ALL TABLES IN SCHEMA',
  'UPDATE ON ALL TABLES IN SCHEMA',
  'DELETE ON ALL TABLES IN SCHEMA',
])('a writer without %s is refused', async (privilege) => {
  const name = privilege.slice(0, 6).trim().toLowerCase();
  const { superuser } = world;
  const pipeline = pipelineOf(`no-${name}`, name);
  const schemas = `"no-${name}", millrace`;
  const revoke = () => superuser.query(`REVOKE ${privilege} ${schemas} FROM writer`);
  try {
    expect(await firstRefusal(world, pipeline, revoke)).toEqual({
      user: 'sink',
      message: expect.stringMatching(/permission denied/),
    });
  } finally {
    await superuser.query(`GRANT ${privilege} ${schemas} TO writer`);
  }
});

const DENIED: [DatabaseRole, string][] = [
  ['registry', 'SELECT FROM whole.plain'],
  ['registry', 'SELECT FROM millrace.positions'],
  ['registry', "INSERT INTO millrace.registry_devices VALUES ('f2-000000000000')"],
  ['registry', 'CREATE TEMPORARY TABLE t (a int)'],
  ['registry', 'CREATE SCHEMA s'],
  ['reader', 'INSERT INTO whole.plain (time) VALUES (now())'],
  ['reader', 'DELETE FROM whole.plain'],
  ['reader', 'CREATE TEMPORARY TABLE t (a int)'],
  ['reader', 'CREATE SCHEMA s'],
  ['writer', 'CREATE SCHEMA s'],
  ['writer', 'CREATE TABLE whole.t (a int)'],
  ['writer', 'CREATE TABLE public.t (a int)'],
  ['writer', 'DROP TABLE whole.plain'],
  ['writer', 'TRUNCATE whole.plain'],
  ['writer', 'ALTER TABLE whole.plain ADD a int'],
  ['owner', 'CREATE ROLE r'],
  ['owner', 'CREATE DATABASE d'],
  ['owner', "ALTER SYSTEM SET work_mem = '1MB'"],
  ['owner', "COPY (SELECT 1) TO PROGRAM 'cat'"],
];

test.each(DENIED)('%s may not: %s', async (role, statement) => {
  await expect(world.pools[role].query(statement)).rejects.toThrow(/permission denied|must be owner/);
});

test('the processor’s role reads the device registry and is told of changes, and nothing else', async () => {
  const watch = watchRegistry(world.pools.registry, log);
  try {
    await expect.poll(() => watch.waitsFor()).toBeNull();
    await world.pools.owner.query("INSERT INTO millrace.registry_devices VALUES ('f2-02f200000001')");
    await expect.poll(() => watch.view().has('f2-02f200000001')).toBe(true);
  } finally {
    await watch.stop();
  }
});

test('a reader sees the rows, the newest per device and the roll-ups', async () => {
  for (const relation of ['plain', 'plain_latest', 'plain_1m']) {
    const { rows } = await world.pools.reader.query(`SELECT count(*) AS rows FROM whole.${relation}`);
    expect(Number(rows[0]?.rows)).toBeGreaterThan(0);
  }
});

describe('in a database whose roles an operator made', () => {
  let operated: World;

  beforeAll(async () => {
    const address = new URL(postgres.url);
    address.pathname = '/operated';
    const pools = await operatedRoles(postgres.url, world.superuser);
    const superuser = connectDatabase({ url: address.href, applicationName: 'superuser', log });
    operated = { ...world, superuser, pools };
  });

  afterAll(async () => {
    await Promise.all([operated?.superuser, ...Object.values(operated?.pools ?? {})].map((pool) => pool?.end()));
  });

  test.each([
    ['plain', {}],
    ['merging', { unique: { columns: ['id', 'time'] } }],
  ])('set-up as owner, rows as writer: a %s table', async (name, table) => {
    expect(await firstRefusal(operated, pipelineOf('operated', name, table))).toBeNull();
  });

  test.each(DENIED)('%s may not: %s', async (role, statement) => {
    const there = statement.replaceAll('whole.', 'operated.');
    await expect(operated.pools[role].query(there)).rejects.toThrow(/permission denied|must be owner/);
  });

  test('a reader sees the rows, and who is somebody else nothing', async () => {
    const { rows } = await operated.pools.reader.query('SELECT count(*) AS rows FROM operated.plain');
    expect(Number(rows[0]?.rows)).toBeGreaterThan(0);
    await operated.superuser.query('CREATE ROLE somebody');
    const asSomebody = operated.superuser.query('SET SESSION AUTHORIZATION somebody; SELECT FROM operated.plain');
    await expect(asSomebody).rejects.toThrow('permission denied for schema operated');
  });
});
