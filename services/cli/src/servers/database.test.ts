import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { environmentOf } from '../servers.ts';
import { UsageError } from '../usage.ts';
import { databaseOf } from './database.ts';
import type { ServerOptions } from './options.ts';

let folder: string;
let ca: string;
let secret: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-database-'));
  ca = join(folder, 'ca.crt');
  writeFileSync(ca, '-----BEGIN CERTIFICATE-----\n');
  secret = join(folder, 'password');
  writeFileSync(secret, 'geheim\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PARTS = { databaseHost: 'db.plant.svc', databaseName: 'plant', databaseUser: 'writer' };
const of = (more: Partial<ServerOptions>) => databaseOf({ data: folder, ...more });

test('a URL as it is, and parts with the server verified unless somebody says otherwise', () => {
  expect(of({})).toBeNull();
  expect(of({ database: 'postgres://u:p@h/d' })).toEqual({ url: 'postgres://u:p@h/d' });
  expect(of({ ...PARTS, databasePasswordFile: secret, databaseCa: ca })).toEqual({
    url: `postgres://writer@db.plant.svc:5432/plant?sslmode=verify-full&sslrootcert=${encodeURIComponent(ca)}&uselibpqcompat=true`,
    passwordFile: secret,
  });
  expect(of({ ...PARTS, databaseHost: '::1', databasePort: '6432', databaseUser: 'a@b/c', databaseSslmode: 'disable' })).toEqual({
    url: 'postgres://a%40b%2Fc@[::1]:6432/plant?sslmode=disable&uselibpqcompat=true',
  });
});

test('a role gets the same servers by its environment, and no password by its command line or its variables', () => {
  const given = { data: folder, kafka: 'x:1', kafkaUser: 'u', kafkaPasswordFile: secret, ...PARTS, databasePasswordFile: secret };
  const address = of(given);
  if (!address) throw new Error('no database');
  const env = environmentOf({ kafka: { brokers: ['a:1', 'b:2'] }, database: address }, given);
  expect(env).toMatchObject({
    MILLRACE_KAFKA: 'a:1,b:2',
    MILLRACE_KAFKA_USER: 'u',
    MILLRACE_KAFKA_PASSWORD_FILE: secret,
    MILLRACE_DATABASE_HOST: 'db.plant.svc',
    MILLRACE_DATABASE_PASSWORD_FILE: secret,
  });
  expect([env.MILLRACE_DATABASE, env.MILLRACE_KAFKA_CA]).toEqual([undefined, undefined]);
  expect(JSON.stringify(env)).not.toContain('geheim');
  const embedded = environmentOf({ kafka: { brokers: ['a:1'] }, database: { url: 'postgres://u:p@h/d' } }, { data: folder });
  expect(embedded).toMatchObject({ MILLRACE_KAFKA: 'a:1', MILLRACE_DATABASE: 'postgres://u:p@h/d' });
});

test.each<[string, Partial<ServerOptions>, RegExp]>([
  ['no URL', { database: 'db' }, /--database \(or MILLRACE_DATABASE\) is .*allowed is postgres:\/\//],
  ['both', { ...PARTS, database: 'postgres://h/d' }, /--database .* and --database-host .* are given/],
  [
    'parts without a host',
    { databaseName: 'd' },
    /--database-name .*MILLRACE_DATABASE_NAME.* is given, and --database-host .* is missing/,
  ],
  ['a password for nothing', { databasePasswordFile: '/dev/null' }, /--database-password-file .*: the file \/dev\/null is empty/],
  [
    'two passwords',
    { database: 'postgres://u:p@h/d', databasePasswordFile: '/proc/self/comm' },
    /has a password, and --database-password-file/,
  ],
  ['no user', { ...PARTS, databaseUser: '' }, /--database-user .* is missing/],
  ['no name', { databaseHost: 'h', databaseUser: 'u' }, /--database-name .* is missing/],
  [
    'a port of a Service link',
    { ...PARTS, databasePort: 'tcp://10.0.0.1:5432' },
    /--database-port .* is "tcp:.*"; allowed is 1 to 65535/,
  ],
  [
    'a mode that encrypts perhaps',
    { ...PARTS, databaseSslmode: 'prefer' },
    /is "prefer"; allowed are verify-full, verify-ca, require, disable/,
  ],
  [
    'a CA to verify without one',
    { ...PARTS, databaseSslmode: 'verify-ca' },
    /verify-ca, which needs --database-ca \(or MILLRACE_DATABASE_CA\)/,
  ],
  ['a CA that nobody looks at', { ...PARTS, databaseSslmode: 'disable', databaseCa: '/x' }, /is disable, and --database-ca/],
  [
    'a CA that is not there',
    { ...PARTS, databaseCa: '/nowhere.crt' },
    /--database-ca .*\/nowhere\.crt cannot be read: no such file/,
  ],
  ['a host with a port', { ...PARTS, databaseHost: 'h:1/x' }, /--database-host .* is "h:1\/x"; allowed is/],
])('%s is refused', (_, more, expected) => {
  expect(() => of(more)).toThrow(UsageError);
  expect(() => of(more)).toThrow(expected);
});
