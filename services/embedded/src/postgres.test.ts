import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { identify } from './identity.ts';
import { freePorts } from './ports.ts';
import { type EmbeddedPostgres, startPostgres } from './postgres.ts';
import { hold } from './testing/hold.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'postgres-test-'));
  // PostgreSQL's user, another one when these tests run as root, passes through.
  chmodSync(scratch, 0o711);
});
afterAll(() => rmSync(scratch, { recursive: true }));

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a temporary server', () => {
  let postgres: EmbeddedPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ config: { work_mem: '5MB' } });
  });
  afterAll(() => postgres.stop());

  test('what was committed is there after SIGKILL, in the middle of sessions, and a start on the same port', async () => {
    await query(postgres.url, 'CREATE TABLE kept (id int)');
    await query(postgres.url, 'INSERT INTO kept VALUES (1)');
    const session = new pg.Client(postgres.url);
    session.on('error', () => undefined);
    await session.connect();
    const work = session.query('SELECT count(*) FROM generate_series(1, 3000000)').catch((error: Error) => error);
    const before = postgres.pid;
    postgres.kill('SIGKILL');
    await postgres.exited;
    await postgres.start();
    await work;
    expect(postgres.pid).not.toBe(before);
    expect(await query(postgres.url, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
  });

  test('nobody gets in without the password', async () => {
    const wrong = new URL(postgres.url);
    wrong.password = 'millrace';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    expect(await query(postgres.url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(postgres.url, 'SHOW unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
    expect(await query(postgres.url, 'SELECT DISTINCT auth_method FROM pg_hba_file_rules')).toEqual([
      { auth_method: 'scram-sha-256' },
    ]);
  });

  test('settings of the caller reach the server; texts are UTF-8, also in upper case', async () => {
    expect(await query(postgres.url, 'SHOW work_mem')).toEqual([{ work_mem: '5MB' }]);
    expect(await query(postgres.url, "SELECT upper('größe') AS text")).toEqual([{ text: 'GRÖßE' }]);
  });

  test('a running server is not started a second time', async () => {
    await expect(postgres.start()).rejects.toThrow('still runs as process');
  });
});

test('a folder keeps its data and its password, which only the owner can read', async () => {
  const folder = join(scratch, 'kept');
  const first = await startPostgres({ folder });
  await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS id');
  await first.stop();
  expect(statSync(join(folder, 'password')).mode & 0o777).toBe(0o600);
  const second = await startPostgres({ folder });
  onTestFinished(() => second.stop());
  expect(new URL(second.url).password).toBe(new URL(first.url).password);
  expect(await query(second.url, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
  await expect(startPostgres({ folder })).rejects.toThrow('is in use by process');
});

test('a server left over by a killed process is ended, and its data is taken over', async () => {
  const folder = join(scratch, 'orphan');
  const { pid, kill } = await hold('postgres', folder);
  const password = readFileSync(join(folder, 'password'), 'utf8').trim();
  await kill();
  expect(identify(pid), 'the orphan').toBeDefined();
  const postgres = await startPostgres({ folder });
  onTestFinished(() => postgres.stop());
  expect(identify(pid), 'the orphan').toBeUndefined();
  expect(new URL(postgres.url).password).toBe(password);
});

test('a temporary server left over by a killed process is cleared away by the next start of anyone', async () => {
  const env = { ...process.env, TMPDIR: join(scratch, 'tmp') };
  mkdirSync(env.TMPDIR, { mode: 0o711 });
  const first = await hold('postgres', undefined, env);
  const [left] = readdirSync(env.TMPDIR);
  await first.kill();
  await hold('postgres', undefined, env);
  expect(identify(first.pid)).toBeUndefined();
  expect(existsSync(join(env.TMPDIR, String(left)))).toBe(false);
});

test('stop() ends a frozen server, too, and removes its folder', async () => {
  const postgres = await startPostgres();
  postgres.kill('SIGSTOP');
  const { pid } = postgres;
  await postgres.stop();
  expect(identify(pid)).toBeUndefined();
  await expect(postgres.start()).rejects.toThrow('has been stopped');
});

test('a wrong setting is an error with the last words of the server, and a taken port is named', async () => {
  await expect(startPostgres({ config: { shared_buffers: 'plenty' } })).rejects.toThrow(
    /ended before it was ready.*shared_buffers/s,
  );
  const [port = 0] = await freePorts(1);
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  await expect(startPostgres({ port })).rejects.toThrow(`PostgreSQL cannot listen on 127.0.0.1:${port}`);
});

test.runIf(process.getuid?.() === 0)(
  'as root, a folder that only root can reach has its data elsewhere, and a new folder of that name none',
  async () => {
    const folder = join(scratch, 'private', 'postgres');
    mkdirSync(join(scratch, 'private'), { mode: 0o700 });
    const first = await startPostgres({ folder });
    const place = readFileSync(join(folder, 'moved-to'), 'utf8').trim();
    onTestFinished(() => rmSync(place, { recursive: true }));
    expect(place).toMatch(/^\/var\/lib\/millrace\/data-/);
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS id');
    await first.stop();
    const second = await startPostgres({ folder });
    expect(await query(second.url, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
    await second.stop();
    rmSync(folder, { recursive: true });
    const third = await startPostgres({ folder });
    onTestFinished(() => third.stop());
    await expect(query(third.url, 'SELECT id FROM kept')).rejects.toThrow('relation "kept" does not exist');
  },
);
