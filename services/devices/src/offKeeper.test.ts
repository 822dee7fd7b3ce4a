/** Devices with certificates that are over, on a real Mosquitto, recorded in a real PostgreSQL. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { makeClient } from '@millrace/bootstrap/certificates.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { findMosquitto } from '@millrace/embedded/mosquitto.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { type ListId, signCanary } from '@millrace/identity/canary.ts';
import { type Identity, identityOf } from '@millrace/identity/identity.ts';
import { BROKER_USERS } from '@millrace/identity/mosquitto.ts';
import { makeDeviceKey } from '@millrace/identity/sign.ts';
import { type Owner, startBroker, type TestBroker } from '@millrace/identity/testing/broker.ts';
import { withSession } from '@millrace/setup/session.ts';
import { migrate } from '@millrace/setup/system.ts';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BrokerAddress } from './link.ts';
import { type DevicesMetrics, metricsOf } from './metrics.ts';
import { keepOff, type OffKeeper, type OffKeeperOptions } from './offKeeper.ts';
import { probe } from './probe.ts';

const none = findMosquitto() === null;
const DAY_MS = 86_400_000;
const WITHIN = { timeout: 60_000, interval: 20 };
const LASTING: IClientOptions = { protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 3_600 } };

let broker: TestBroker;
let postgres: EmbeddedPostgres;
let pool: Pool;
let role: BrokerAddress;
let listener: OffKeeperOptions['listener'];
let keepers: OffKeeper[] = [];
let registry: Registry;
let metrics: DevicesMetrics;
const log = pino({ level: 'silent' });

beforeAll(async () => {
  if (none) return;
  [broker, postgres] = await Promise.all([startBroker(), startPostgres()]);
  pool = connectDatabase({ url: postgres.url, applicationName: 'offKeeper.test', log, max: 20 });
  await withSession(pool, 30_000, migrate);
  const { certificate, key } = await makeClient(broker.root, BROKER_USERS.commands, new Date());
  const file = (name: string, text: string): string => {
    writeFileSync(join(broker.folder, name), text);
    return join(broker.folder, name);
  };
  const ca = file('root.crt', broker.root.certificate);
  role = {
    url: `mqtts://localhost:${broker.platformPort}`,
    ca,
    certificate: file('commands.crt', certificate),
    key: file('commands.key', key),
  };
  listener = { url: `mqtts://localhost:${broker.mosquitto.port}`, ca };
});
afterEach(async () => {
  await Promise.all(keepers.map((keeper) => keeper.stop()));
  keepers = [];
});
afterAll(async () => {
  await pool?.end();
  await Promise.all([broker?.stop(), postgres?.stop()]);
});

function keep(more: Partial<OffKeeperOptions> = {}): OffKeeper {
  registry = new Registry();
  metrics = metricsOf(registry);
  const keeper = keepOff({ pool, authority: broker.authority, broker: role, listener, metrics, log, ...more });
  keepers.push(keeper);
  return keeper;
}

const identity = (now = () => new Date()): Identity => identityOf({ pool, authority: broker.authority, by: 'tests', now });

/** A device whose certificate is on record. @param at when it was issued, for a day */
async function device(name: string, at = new Date()): Promise<Owner> {
  const { key, publicKey } = await makeDeviceKey();
  const { certificate, serial } = await identity(() => at).issue({ device: name, days: 1, publicKey });
  return { certificate, key, serial };
}

interface Connected {
  client: MqttClient;
  closed: Promise<void>;
  isClosed(): boolean;
  heard: string[];
}

async function connect(name: string, owner: Owner): Promise<Connected> {
  const client = await broker.connect(owner, { ...LASTING, clientId: name });
  const heard: string[] = [];
  client.on('message', (_topic, payload) => heard.push(payload.toString()));
  let isClosed = false;
  const closed = new Promise<void>((resolve) =>
    client.once('close', () => {
      isClosed = true;
      resolve();
    }),
  );
  await client.subscribeAsync(`cmnd/${name}/#`, { qos: 1 });
  return { client, closed, isClosed: () => isClosed, heard };
}

const give = async (): Promise<void> => broker.take((await identity().crl()).pem);
const record = async ({ serial }: Owner): Promise<{ pushed_at: Date | null; off_at: Date | null }> =>
  (await pool.query('SELECT pushed_at, off_at FROM millrace.device_certificates WHERE serial = $1', [serial])).rows[0];
const isPushed = (owner: Owner): Promise<void> =>
  vi.waitFor(async () => expect((await record(owner)).pushed_at).not.toBeNull(), WITHIN);
const metric = async (name: string): Promise<unknown> => (await registry.getSingleMetric(name)?.get())?.values;
const command = async (name: string, payload: string): Promise<void> => {
  const client = await broker.role('commands', { protocolVersion: 5 });
  await client.publishAsync(`cmnd/${name}/x`, payload, { qos: 1 });
  await client.endAsync();
};
/** How often the broker let in who asked which list it has. */
const asked = (): number => broker.mosquitto.log().split('as millrace-canary').length - 1;

describe.skipIf(none)(`a device that is revoked${none ? ' (skipped: needs mosquitto)' : ''}`, () => {
  test('is off and cannot come back, not after the broker has started again either; others stay', {
    timeout: 120_000,
  }, async () => {
    const [bad, good] = [await device('f2-bad'), await device('f2-good')];
    const [off, staying] = [await connect('f2-bad', bad), await connect('f2-good', good)];
    keep();
    const { crl } = await identity().revoke('f2-bad', 'keyCompromise');
    broker.take(crl.pem);
    await off.closed;
    await expect(broker.connect(bad)).rejects.toThrow(/revoked/);
    await isPushed(bad);
    expect(await metric('millrace_devices_pushed_off_total')).toMatchObject([{ labels: { why: 'revoked' }, value: 1 }]);
    expect(await metric('millrace_devices_over_certificates')).toMatchObject([{ value: 0 }]);
    expect(await metric('millrace_devices_broker_crl_end_timestamp_seconds')).toMatchObject([
      { value: crl.nextUpdate.getTime() / 1_000 },
    ]);
    await command('f2-good', 'stays');
    await vi.waitFor(() => expect(staying.heard).toEqual(['stays']), WITHIN);
    expect(staying.isClosed()).toBe(false);

    broker.mosquitto.kill('SIGTERM');
    await broker.mosquitto.exited;
    await broker.mosquitto.start();
    await broker.connect(good);
    await expect(broker.connect(bad)).rejects.toThrow(/revoked/);
    await broker.connect(await device('f2-bad')); // another certificate of the same name
  });

  test('while it is away has no session any more, and nothing that waits', { timeout: 120_000 }, async () => {
    const owner = await device('f2-away');
    const before = await connect('f2-away', owner);
    await before.client.endAsync();
    await command('f2-away', 'waits');
    keep();
    await identity().revoke('f2-away', 'keyCompromise');
    await give();
    await isPushed(owner);
    // With a certificate that is good it gets what it has subscribed to, and not what the other one had.
    const next = await broker.connect(await device('f2-away'), { ...LASTING, clientId: 'f2-away' });
    const heard: string[] = [];
    next.on('message', (_topic, payload) => heard.push(payload.toString()));
    await command('f2-away', 'for the former one');
    await next.subscribeAsync('cmnd/f2-away/#', { qos: 1 });
    await command('f2-away', 'new');
    await vi.waitFor(() => expect(heard).toEqual(['new']), WITHIN);
  });

  test('is pushed off after the broker has the list: before, it would come back, and stay', { timeout: 120_000 }, async () => {
    const owner = await device('f2-early');
    const early = await connect('f2-early', owner);
    keep();
    await identity().revoke('f2-early', 'keyCompromise');
    const before = asked();
    await vi.waitFor(() => expect(asked()).toBeGreaterThan(before + 2), WITHIN);
    expect([early.isClosed(), (await record(owner)).pushed_at]).toEqual([false, null]);
    expect(await metric('millrace_devices_over_certificates')).toMatchObject([{ value: 1 }]);
    await give();
    await early.closed;
    await isPushed(owner);
  });

  test('is pushed off by who starts next, if nobody was there', { timeout: 120_000 }, async () => {
    const owner = await device('f2-later');
    const later = await connect('f2-later', owner);
    await identity().revoke('f2-later', 'keyCompromise');
    await give();
    await vi.waitFor(() => expect(broker.connect(owner)).rejects.toThrow(/revoked/), WITHIN);
    expect(later.isClosed()).toBe(false);
    keep();
    await later.closed;
  });

  test('and had shown its certificate before, but says who it is only afterwards, is pushed off as well', {
    timeout: 120_000,
  }, async () => {
    const owner = await device('f2-sly');
    const socket = await shown(owner);
    keep();
    await identity().revoke('f2-sly', 'keyCompromise');
    await give();
    await isPushed(owner);
    socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex')); // CONNECT of 3.1.1
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('hex')).toBe('20020000'); // it is let in, or what follows would show nothing
    const closed = once(socket, 'close');
    expect((await record(owner)).off_at).toBeNull();
    await pool.query(`UPDATE millrace.device_certificates SET pushed_at = pushed_at - interval '2 minutes' WHERE serial = $1`, [
      owner.serial,
    ]);
    await closed;
    await vi.waitFor(async () => expect((await record(owner)).off_at).not.toBeNull(), WITHIN);
  });

  test('is off however many are at the same time', { timeout: 120_000 }, async () => {
    const names = Array.from({ length: 12 }, (_, at) => `f2-many-${at}`);
    const all = [];
    for (const name of names) {
      const owner = await device(name);
      all.push({ owner, ...(await connect(name, owner)) });
      await identity().revoke(name, 'cessationOfOperation');
    }
    keep();
    await give();
    await Promise.all(all.map(({ closed }) => closed));
    for (const { owner } of all) await isPushed(owner);
  });
});

/** A connection that the broker has let in by its certificate, and that says nothing yet. */
async function shown({ certificate: cert, key }: Owner): Promise<TLSSocket> {
  const ca = broker.root.certificate;
  const socket = connectTls({ host: '127.0.0.1', port: broker.mosquitto.port, servername: 'localhost', ca, cert, key });
  // Tickets of TLS 1.3 come after the broker has looked at the certificate.
  await once(socket, 'session');
  return socket;
}

describe.skipIf(none)('a device whose certificate ends', () => {
  test('while it is connected is off, and cannot come back; others stay', { timeout: 120_000 }, async () => {
    const end = Date.now() + 20_000;
    const [short, good] = [await device('f2-short', new Date(end - DAY_MS)), await device('f2-long')];
    const [off, staying] = [await connect('f2-short', short), await connect('f2-long', good)];
    // Whatever is the matter with the list.
    keep({ listener: { ...listener, url: 'mqtts://localhost:1' } });
    await off.closed;
    expect(Date.now()).toBeGreaterThanOrEqual(end);
    await expect(broker.connect(short)).rejects.toThrow(/expired/);
    await isPushed(short);
    expect(await metric('millrace_devices_pushed_off_total')).toMatchObject([{ labels: { why: 'ended' }, value: 1 }]);
    expect(staying.isClosed()).toBe(false);
  });
});

describe.skipIf(none)('a broker', () => {
  test('shows which list it has, and until when its own certificate is good', { timeout: 60_000 }, async () => {
    const list = await identity().crl();
    await give();
    const ask = async (of: ListId) => probe(listener, await signCanary(broker.authority, of, new Date()));
    await vi.waitFor(async () => expect((await ask(list)).isRefused).toBe(true), WITHIN);
    // Of the same number, but of other records.
    const { isRefused, brokerEnd } = await ask({ ...list, thisUpdate: new Date() });
    expect([isRefused, brokerEnd && brokerEnd.getTime() > Date.now()]).toEqual([false, true]);
  });

  test('that is away, or lets nobody in, says nothing', async () => {
    const canary = await signCanary(broker.authority, await identity().crl(), new Date());
    await expect(probe({ ...listener, url: 'mqtts://localhost:1' }, canary)).rejects.toThrow('does not say which list');
    const { certificate, key } = await makeClient(broker.root, 'f2-stranger', new Date());
    await expect(probe(listener, { certificate, key })).rejects.toThrow('does not say which list');
  });
});
