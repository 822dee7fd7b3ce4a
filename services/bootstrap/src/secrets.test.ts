import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { flawOf } from './certificates.ts';
import type { BootstrapPlan } from './plan.ts';
import { clusterId, planSecrets, type SecretData } from './secrets.ts';

const account = (user: string) => ({ user, secret: `secret-${user}` });
const PLAN: BootstrapPlan = {
  namespace: 'feeds',
  labels: {},
  authority: 'ca',
  servers: [
    { secret: 'kafka', commonName: 'kafka', hosts: ['kafka.feeds.svc'], keystore: true, clusterId: true },
    { secret: 'database', commonName: 'database', hosts: ['database.feeds.svc'], keystore: false, clusterId: false },
  ],
  passwords: [],
  kafka: {
    brokers: 'kafka:9092',
    admin: account('admin'),
    users: [{ ...account('sink'), permissions: [] }],
    certificate: { secret: 'kafka', hosts: ['kafka'], port: 9092, keystore: '/k', listeners: ['clients'] },
  },
  database: null,
  devices: null,
};
const NOW = new Date('2026-01-01T00:00:00Z');
const YEAR_MS = 365 * 86_400_000;
const after = (years: number): Date => new Date(NOW.getTime() + years * YEAR_MS);

const first = await planSecrets(PLAN, new Map(), NOW);
const names = (writes: { name: string }[]): string[] => writes.map(({ name }) => name);
const dataOf = (all: ReadonlyMap<string, SecretData>, name: string): SecretData => all.get(name) ?? {};

test('from nothing all is made, and a second run changes nothing', async () => {
  expect(names(first.writes)).toEqual(['ca', 'kafka', 'database', 'secret-admin', 'secret-sink']);
  expect((await planSecrets(PLAN, first.all, after(0.1))).writes).toEqual([]);
});

test('a server shows a certificate of the authority, for its names', () => {
  const authority = new X509Certificate(dataOf(first.all, 'ca')['tls.crt'] ?? '');
  const server = new X509Certificate(dataOf(first.all, 'kafka')['tls.crt'] ?? '');
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkIssued(authority)).toBe(true);
  expect(server.checkHost('kafka.feeds.svc')).toBe('kafka.feeds.svc');
  expect(server.checkHost('database.feeds.svc')).toBeUndefined();
  expect(server.ca).toBe(false);
  expect(dataOf(first.all, 'kafka')['keystore.pem']).toContain('BEGIN PRIVATE KEY');
});

test('passwords differ, and none is ever replaced', async () => {
  const passwords = ['secret-admin', 'secret-sink'].map((name) => dataOf(first.all, name).password);
  expect(new Set(passwords).size).toBe(2);
  const later = await planSecrets(PLAN, first.all, after(9));
  expect(['secret-admin', 'secret-sink'].map((name) => dataOf(later.all, name).password)).toEqual(passwords);
});

test('a certificate is renewed before it ends, by the same authority and with the same cluster id', async () => {
  const later = await planSecrets(PLAN, first.all, after(1.5));
  expect(names(later.writes)).toEqual(['kafka', 'database']);
  expect(dataOf(later.all, 'kafka')['cluster-id']).toBe(dataOf(first.all, 'kafka')['cluster-id']);
  expect(dataOf(later.all, 'ca')).toEqual(dataOf(first.all, 'ca'));
});

test('another host needs another certificate', async () => {
  const [kafka, database] = PLAN.servers;
  if (!kafka || !database) throw new Error('no servers');
  const plan = { ...PLAN, servers: [{ ...kafka, hosts: [...kafka.hosts, 'kafka-1.feeds.svc'] }, database] };
  const { writes } = await planSecrets(plan, first.all, NOW);
  expect(writes).toMatchObject([{ name: 'kafka', why: 'it is not for kafka-1.feeds.svc' }]);
});

test('with another authority everything that it did not sign is made anew, and everybody is told of it', async () => {
  const other = await planSecrets({ ...PLAN, servers: [], kafka: null }, new Map(), NOW);
  const { writes, all } = await planSecrets(PLAN, new Map([...first.all, ...other.all]), NOW);
  expect(names(writes)).toEqual(['kafka', 'database', 'secret-admin', 'secret-sink']);
  expect(dataOf(all, 'secret-sink')).toEqual({
    ...dataOf(first.all, 'secret-sink'),
    'ca.crt': dataOf(other.all, 'ca')['tls.crt'],
  });
});

describe('roles that an operator makes', () => {
  const role = { owner: account('owner'), writer: account('writer'), reader: account('reader'), registry: account('registry') };
  const server = { of: 'an operator' as const, authority: '/ca.crt' };
  const plan: BootstrapPlan = {
    ...PLAN,
    servers: [],
    kafka: null,
    database: { host: 'db', port: 5432, name: 'd', ...role, server },
  };

  test('get a Secret as it reads one: name and password, and no authority of ours', async () => {
    const { writes } = await planSecrets(plan, new Map(), NOW);
    expect(names(writes)).toEqual(['ca', 'secret-owner', 'secret-writer', 'secret-reader', 'secret-registry']);
    expect(writes.map(({ type }) => type)).toEqual([undefined, ...Array(4).fill('kubernetes.io/basic-auth')]);
    expect(writes[1]?.data).toEqual({ username: 'owner', password: expect.stringMatching(/^[0-9a-f]{48}$/) });
  });

  test('keep the password that they had on a database of ours', async () => {
    const ours = { username: 'writer', password: 'old', 'ca.crt': 'of ours' };
    const { writes, all } = await planSecrets(plan, new Map([['secret-writer', ours]]), NOW);
    expect(names(writes)).not.toContain('secret-writer');
    expect(dataOf(all, 'secret-writer')).toEqual(ours);
  });
});

describe('for devices', () => {
  const devices: BootstrapPlan['devices'] = {
    authority: { secret: 'device-ca' },
    clients: [{ secret: 'producer', commonName: 'millrace-producer' }],
    tokens: [{ secret: 'tokens' }],
  };
  const plan = { ...PLAN, devices };

  test('there is another authority, certificates of roles and a token, and a second run changes nothing', async () => {
    const { writes, all } = await planSecrets(plan, first.all, NOW);
    expect(names(writes)).toEqual(['device-ca', 'producer', 'tokens']);
    const [own, of] = ['device-ca', 'ca'].map((name) => new X509Certificate(dataOf(all, name)['tls.crt'] ?? ''));
    const producer = new X509Certificate(dataOf(all, 'producer')['tls.crt'] ?? '');
    if (!own || !of) throw new Error('no authority');
    expect(own.verify(of.publicKey)).toBe(false);
    expect([producer.verify(of.publicKey), producer.verify(own.publicKey)]).toEqual([true, false]);
    expect([producer.subject, producer.keyUsage]).toEqual(['CN=millrace-producer', ['1.3.6.1.5.5.7.3.2']]);
    expect(dataOf(all, 'tokens').admin).toMatch(/^[0-9a-f]{48}$/);
    expect((await planSecrets(plan, all, after(0.1))).writes).toEqual([]);
  });

  test('roles are renewed; the authority and tokens stay, those of a user among them', async () => {
    const { all } = await planSecrets(plan, first.all, NOW);
    const given = new Map([...all, ['tokens', { anna: 'a'.repeat(32) }]]);
    const later = await planSecrets(plan, given, after(1.5));
    expect(names(later.writes)).toEqual(['kafka', 'database', 'producer']);
    expect(dataOf(later.all, 'tokens')).toEqual({ anna: 'a'.repeat(32) });
  });

  test('half an authority is not silently replaced', async () => {
    const { all } = await planSecrets(plan, first.all, NOW);
    const half = new Map([...all, ['device-ca', { 'tls.key': dataOf(all, 'device-ca')['tls.key'] ?? '' }]]);
    await expect(planSecrets(plan, half, NOW)).rejects.toThrow('the Secret device-ca has no tls.crt');
  });
});

test('half an authority is not silently replaced', async () => {
  const half = new Map([...first.all, ['ca', { 'tls.crt': dataOf(first.all, 'ca')['tls.crt'] ?? '' }]]);
  await expect(planSecrets(PLAN, half, NOW)).rejects.toThrow('the Secret ca has no tls.key');
});

describe('what a user put into a Secret of ours', () => {
  test('stays: a password of their own', async () => {
    const given = new Map([['secret-sink', { username: 'sink', password: 'theirs' }]]);
    expect(dataOf((await planSecrets(PLAN, given, NOW)).all, 'secret-sink')).toMatchObject({ password: 'theirs' });
  });

  test('a certificate that cannot be read is made anew', async () => {
    const { 'tls.crt': certificate = '', 'tls.key': key = '' } = dataOf(first.all, 'ca');
    expect(await flawOf('nonsense', { certificate, key }, [], NOW)).toBe('it cannot be read');
  });
});

test('no cluster id is taken for an option of a command', () => {
  const ids = Array.from({ length: 5_000 }, clusterId);
  expect(ids.filter((id) => id.startsWith('-') || id.length !== 22)).toEqual([]);
});
