/**
 * Certificates about to end are replaced while rows flow: by the bootstrap, on a real Kafka and a real PostgreSQL that see the
 * new files some time after the Secret was written, as pods do.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootstrap } from '@millrace/bootstrap/bootstrap.ts';
import type { BootstrapPlan } from '@millrace/bootstrap/plan.ts';
import type { SecretData } from '@millrace/bootstrap/secrets.ts';
import { shownBy } from '@millrace/bootstrap/shown.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SecuredServers, startSecuredServers } from './servers.ts';

const log = pino({ level: 'silent' });
const TOPIC = 'feeds.p.raw';
/** Of the two years of a certificate, less than a third is left. */
const LONG_AGO = new Date(Date.now() - 500 * 86_400_000);
/** Until the kubelet brings a Secret that has changed into a pod. */
const LATER_MS = 7_000;

let servers: SecuredServers;
beforeAll(async () => {
  servers = await startSecuredServers({ now: LONG_AGO, admin: 'of admin' });
}, 180_000);
afterAll(() => servers?.stop());

test('a certificate about to end is replaced, and no record is lost or sent twice meanwhile', async () => {
  const { admin, access, authority, kafkaServer, databaseServer, broker } = servers;
  const url = new URL(servers.databaseUrl);
  const secrets = new Map<string, SecretData>([
    ['ca', { 'tls.crt': authority, 'tls.key': servers.authorityKey }],
    ['kafka', { ...dataOf(kafkaServer), 'ca.crt': authority, 'cluster-id': 'x' }],
    ['database', { ...dataOf(databaseServer), 'ca.crt': authority }],
    ['admin', { username: 'admin', password: 'of admin', 'ca.crt': authority }],
    ['superuser', { username: url.username, password: decodeURIComponent(url.password), 'ca.crt': authority }],
  ]);
  const late: Promise<void>[] = [];
  const store = {
    read: async (name: string) => secrets.get(name) ?? null,
    write: async (name: string, data: SecretData) => {
      secrets.set(name, data);
      late.push(sleep(LATER_MS).then(() => asFiles(name, data)));
    },
  };
  const account = (secret: string, user = secret) => ({ user, secret });
  const port = Number(broker.split(':')[1]);
  const listeners = ['sasl_ssl'];
  const plan: BootstrapPlan = {
    namespace: 'feeds',
    labels: {},
    authority: 'ca',
    servers: [
      { secret: 'kafka', commonName: 'kafka', hosts: ['localhost'], keystore: true, clusterId: true },
      { secret: 'database', commonName: 'database', hosts: ['localhost'], keystore: false, clusterId: false },
    ],
    passwords: [],
    kafka: {
      brokers: broker,
      admin: account('admin'),
      users: [],
      certificate: { secret: 'kafka', hosts: ['localhost'], port, keystore: servers.keystore, listeners },
    },
    database: {
      host: 'localhost',
      port: Number(url.port),
      name: url.pathname.slice(1),
      owner: account('owner'),
      writer: account('writer'),
      reader: account('reader'),
      registry: account('millrace_registry'),
      server: { of: 'us', superuser: account('superuser', url.username), certificate: 'database' },
    },
    devices: null,
  };
  const places = [
    { host: 'localhost', port, protocol: 'tls' as const },
    { host: 'localhost', port: Number(url.port), protocol: 'postgresql' as const },
  ];
  const before = await Promise.all(places.map(shownBy));

  await admin.createTopic({ name: TOPIC, partitions: 1, config: {} });
  await access.allow('producer', [
    { resource: 'topic', name: TOPIC, pattern: 'literal', operations: ['Write', 'DescribeConfigs'] },
  ]);
  const stop = new AbortController();
  const flowing = flow(stop.signal);
  await bootstrap(plan, { store, waitMs: 120_000, signal: new AbortController().signal, log });
  await Promise.all(late);
  stop.abort();
  const sent = await flowing;

  const after = await Promise.all(places.map(shownBy));
  for (const [index, one] of after.entries()) expect(one).not.toBe(before[index]);
  expect(sent).toBeGreaterThan(0);
  expect(await admin.bounds(TOPIC)).toEqual([{ start: 0, end: sent }]);
  // Who comes now, and asks for the certificate's name and authority, is let in.
  const { rows } = await servers.superuser.query('SELECT 1 AS one');
  expect(rows).toEqual([{ one: 1 }]);
  expect(await servers.connect('producer', () => 'of producer').topic(TOPIC)).not.toBeNull();

  // Once more there is nothing to do, and it says so at once.
  const writes = late.length;
  await bootstrap(plan, { store, waitMs: 120_000, signal: new AbortController().signal, log });
  expect(late).toHaveLength(writes);
}, 240_000);

const dataOf = ({ certificate, key }: { certificate: string; key: string }) => ({ 'tls.crt': certificate, 'tls.key': key });

function asFiles(name: string, data: SecretData): void {
  if (name === 'kafka') writeFileSync(servers.keystore, data['keystore.pem'] ?? '');
  if (name === 'database') servers.putDatabaseCertificate({ certificate: data['tls.crt'] ?? '', key: data['tls.key'] ?? '' });
}

/** Sends one record after the other through the listener whose certificate is replaced. @returns how many were acknowledged */
async function flow(signal: AbortSignal): Promise<number> {
  const sender = servers.connect('producer', () => 'of producer').sender();
  let sent = 0;
  while (!signal.aborted) {
    await sender.send(TOPIC, 0, [{ key: null, value: Buffer.from(String(sent)), headers: {} }]);
    sent += 1;
    await sleep(5);
  }
  await sender.close();
  return sent;
}
