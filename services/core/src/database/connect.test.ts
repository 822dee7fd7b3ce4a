import { createServer } from 'node:net';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectDatabase, LOCK_TIMEOUT_MS } from './connect.ts';
import { describeDatabaseError, withoutPassword } from './describe.ts';
import { list, literal, quote, table } from './identifier.ts';

let postgres: EmbeddedPostgres;
const lines: string[] = [];
const log = pino({}, { write: (line: string) => lines.push(line) });
const connect = (url: string) => connectDatabase({ url, applicationName: 'connect.test', max: 2, log });
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.stop();
});

/** What a person is told when a query on this URL fails. */
async function told(url: string): Promise<string> {
  const pool = connect(url);
  try {
    await pool.query('SELECT 1');
    return 'no error';
  } catch (error) {
    return describeDatabaseError(error, withoutPassword(url));
  } finally {
    await pool.end();
  }
}

const changed = (change: (url: URL) => void): string => {
  const url = new URL(postgres.url);
  change(url);
  return url.href;
};

test('every session has time-outs, a search path that nobody can slip into, and UTC', async () => {
  const pool = connect(postgres.url);
  const { rows } = await pool.query(
    `SELECT name, setting FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout',
       'idle_in_transaction_session_timeout', 'tcp_user_timeout', 'search_path', 'TimeZone', 'application_name')`,
  );
  await pool.end();
  expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
    lock_timeout: String(LOCK_TIMEOUT_MS),
    statement_timeout: '30000',
    idle_in_transaction_session_timeout: '10000',
    tcp_user_timeout: '20000',
    search_path: 'pg_catalog, pg_temp',
    TimeZone: 'UTC',
    application_name: 'connect.test',
  });
});

describe('a person is told what to mend, without the password', () => {
  test('a wrong password', async () => {
    const said = await told(
      changed((url) => {
        url.password = 'geheim';
      }),
    );
    expect(said).toContain('(SQLSTATE 28P01): the password is wrong, or there is no such user');
    expect(said).not.toContain('geheim');
  });

  test('no such database', async () => {
    const said = await told(
      changed((url) => {
        url.pathname = '/nowhere';
      }),
    );
    expect(said).toMatch(/:\*\*\*@127\.0\.0\.1.*"nowhere" does not exist \(SQLSTATE 3D000\): the server has no such database/);
  });

  test('no server', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address === null || typeof address === 'string') throw new Error('no port');
    const said = await told(
      changed((url) => {
        url.port = String(address.port);
      }),
    );
    expect(said).toMatch(/ECONNREFUSED.*: nothing listens there\. Is the server running/);
  });

  test('what is no URL is not shown', () => {
    expect(withoutPassword('geheim')).not.toContain('geheim');
    expect(withoutPassword('postgres://u@h/d?password=geheim&sslmode=require')).toBe(
      'postgres://u@h/d?password=***&sslmode=require',
    );
  });

  test('an error that nobody knows is shown as it is', () => {
    expect(describeDatabaseError(new Error('so'), 'postgres://h/d')).toBe('database postgres://h/d: so');
    expect(describeDatabaseError(new AggregateError([new Error('one'), new Error('two')]), 'postgres://h/d')).toBe(
      'database postgres://h/d: one',
    );
  });
});

test('a lost idle connection is logged, and the next query has another', async () => {
  const pool = connect(postgres.url);
  const other = connect(postgres.url);
  const { rows } = await pool.query('SELECT pg_backend_pid() AS pid');
  const lost = new Promise((resolve) => pool.once('remove', resolve));
  await other.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
  await lost;
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await Promise.all([pool.end(), other.end()]);
  const line = lines.find((text) => text.includes('database connection lost'));
  expect(line).toContain('57P01');
  expect(line).not.toContain(new URL(postgres.url).password);
});

test.each([
  ['select', '"select"'],
  ['a"b', '"a""b"'],
  ['Größe', '"Größe"'],
])('the name %s', (name, quoted) => {
  expect(quote(name)).toBe(quoted);
  expect(table('default', name)).toBe(`"default".${quoted}`);
  expect(list([name, 'time'])).toBe(`${quoted}, "time"`);
});

test('a value in a utility statement stays a value', () => {
  expect(literal(`it's`)).toBe(`'it''s'`);
  expect(literal('a\\b')).toBe(` E'a\\\\b'`);
});
