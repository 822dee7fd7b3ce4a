/**
 * What the configuration promises, shown against a real Mosquitto. What must not arrive is followed, on the same connection, by
 * something that must: once that is there, the other one does not come any more.
 */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { makeAuthority, makeServer } from '@millrace/bootstrap/certificates.ts';
import { findMosquitto } from '@millrace/embedded/mosquitto.ts';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeDeviceAuthority, openAuthority } from './authority.ts';
import { ACLS, mosquittoConfig } from './mosquitto.ts';
import { makeDeviceKey, signDevice } from './sign.ts';
import { type Owner, startBroker, type TestBroker } from './testing/broker.ts';

const DAY_MS = 86_400_000;
const VERSIONS: [string, IClientOptions][] = [
  ['3.1.1', { protocolVersion: 4 }],
  ['5', { protocolVersion: 5 }],
];
const none = findMosquitto() === null;

let broker: TestBroker;
beforeAll(async () => {
  if (!none) broker = await startBroker();
});
afterAll(() => broker?.stop());

/** Topics of what comes, in order. */
function heardBy(client: MqttClient): string[] {
  const heard: string[] = [];
  client.on('message', (topic) => heard.push(topic));
  return heard;
}

/** What is refused comes as an error with version 5, and not at all with 3.1.1. */
async function tryPublish(client: MqttClient, topic: string): Promise<void> {
  await client.publishAsync(topic, 'forged', { qos: 1 }).catch(() => undefined);
}

/** How often it has read its files again. */
const reloads = ({ mosquitto }: TestBroker): number => mosquitto.log().split('Reloading config').length;

const until = (heard: string[], topic: string): Promise<void> =>
  vi.waitFor(() => expect(heard).toContain(topic), { timeout: 20_000, interval: 20 });

describe.skipIf(none)(`a device${none ? ' (skipped: needs mosquitto)' : ''}`, () => {
  test.each(VERSIONS)('publishes under its own name, and not as another; MQTT %s', async (version, options) => {
    const [own, other] = [`f2-own-${version}`, `f2-other-${version}`];
    const producer = await broker.role('producer');
    const heard = heardBy(producer);
    await producer.subscribeAsync(['tele/#', 'stat/#'], { qos: 1 });
    const device = await broker.connect(await broker.device(own), options);
    const forged = [`tele/${other}/auto/J1/motion`, `stat/${other}/x`, `tele/${other}`, 'tele', `tele/${own}x/y`, `a/${own}/b`];
    for (const topic of forged) await tryPublish(device, topic);
    await device.publishAsync(`stat/${own}/x`, 'own', { qos: 1 });
    await device.publishAsync(`tele/${own}/auto/J1/motion`, 'own', { qos: 1 });
    await until(heard, `tele/${own}/auto/J1/motion`);
    expect(heard).toEqual([`stat/${own}/x`, `tele/${own}/auto/J1/motion`]);
    await producer.endAsync(true);
  });

  test.each(VERSIONS)('cannot publish as another by a last will, either; MQTT %s', async (version, options) => {
    const [own, other] = [`f2-will-${version}`, `f2-heir-${version}`];
    const producer = await broker.role('producer');
    const heard = heardBy(producer);
    await producer.subscribeAsync('tele/#', { qos: 1 });
    const leave = async (topic: string): Promise<void> => {
      const will = { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false };
      const device = await broker.connect(await broker.device(own), { ...options, will }).catch(() => null);
      device?.stream.destroy(); // without a DISCONNECT
    };
    await leave(`tele/${other}/LWT`);
    await leave(`tele/${own}/LWT`);
    await until(heard, `tele/${own}/LWT`);
    expect(heard).toEqual([`tele/${own}/LWT`]);
    await producer.endAsync(true);
  });

  test.each(VERSIONS)('gets its own commands and nobody else’s, whatever it subscribes to; MQTT %s', async (version, options) => {
    const [own, other] = [`f2-reads-${version}`, `f2-target-${version}`];
    const device = await broker.connect(await broker.device(own), options);
    const heard = heardBy(device);
    for (const filter of [
      `cmnd/${other}/#`,
      'cmnd/#',
      '#',
      '+/+/#',
      'tele/#',
      '$SYS/#',
      `$share/g/cmnd/${other}/#`,
      `cmnd/${own}/#`,
    ])
      await device.subscribeAsync(filter, { qos: 1 }).catch(() => undefined);
    const commands = await broker.role('commands');
    const neighbour = await broker.connect(await broker.device(other));
    await neighbour.publishAsync(`tele/${other}/secret`, 'private', { qos: 1 });
    await commands.publishAsync(`cmnd/${other}/x`, 'private', { qos: 1 });
    await commands.publishAsync(`cmnd/${own}/x`, 'mine', { qos: 1 });
    await until(heard, `cmnd/${own}/x`);
    expect(new Set(heard)).toEqual(new Set([`cmnd/${own}/x`]));
  });

  test('cannot command, not even itself', async () => {
    const device = await broker.connect(await broker.device('f2-rebel'));
    const heard = heardBy(device);
    await device.subscribeAsync('cmnd/f2-rebel/#', { qos: 1 });
    await tryPublish(device, 'cmnd/f2-rebel/forged');
    const commands = await broker.role('commands');
    await commands.publishAsync('cmnd/f2-rebel/real', '', { qos: 1 });
    await until(heard, 'cmnd/f2-rebel/real');
    expect(heard).toEqual(['cmnd/f2-rebel/real']);
  });

  test('cannot push another one off by its client id', async () => {
    const victim = await broker.connect(await broker.device('f2-victim'), { clientId: 'f2-victim' });
    const closed = vi.fn();
    victim.on('close', closed);
    const thief = await broker.connect(await broker.device('f2-thief'), { clientId: 'f2-victim' });
    const heard = heardBy(victim);
    await victim.subscribeAsync('cmnd/f2-victim/#', { qos: 1 });
    await (await broker.role('commands')).publishAsync('cmnd/f2-victim/x', '', { qos: 1 });
    await until(heard, 'cmnd/f2-victim/x');
    expect(closed).not.toHaveBeenCalled();
    expect(thief.connected).toBe(true);
  });

  test('cannot take another name by its user name', async () => {
    const producer = await broker.role('producer');
    const heard = heardBy(producer);
    await producer.subscribeAsync('tele/#', { qos: 1 });
    const device = await broker.connect(await broker.device('f2-liar'), { username: 'f2-honest', password: 'x' });
    await tryPublish(device, 'tele/f2-honest/x');
    await device.publishAsync('tele/f2-liar/x', '', { qos: 1 });
    await until(heard, 'tele/f2-liar/x');
    expect(heard).toEqual(['tele/f2-liar/x']);
    await producer.endAsync(true);
  });

  test('with too large a packet is sent away, and the broker goes on', async () => {
    const device = await broker.connect(await broker.device('f2-large'), { protocolVersion: 4 });
    const closed = new Promise<void>((resolve) => device.once('close', resolve));
    device.publish('tele/f2-large/x', Buffer.alloc(2 * 1_048_576), { qos: 1 });
    await closed;
    await broker.connect(await broker.device('f2-small'));
  });
});

describe.skipIf(none)('is not let in', () => {
  const refused = async (owner: Parameters<TestBroker['connect']>[0], port?: number): Promise<void> => {
    await expect(broker.connect(owner, {}, port)).rejects.toThrow();
    await broker.connect(await broker.device('f2-control')); // it is not the broker that is at fault
  };

  test('a device whose certificate has ended', async () => {
    await refused(await broker.device('f2-ended', 1, new Date(Date.now() - 2 * DAY_MS)));
  });

  test('a device of another authority', async () => {
    const other = await openAuthority(await makeDeviceAuthority(new Date()));
    const { key, publicKey } = await makeDeviceKey();
    const { certificate } = await signDevice(other, { device: 'f2-other', days: 1, publicKey, now: new Date() });
    await refused({ certificate, key });
  });

  test("on devices' listener: who has a certificate of the installation, be it a server's", async () => {
    await refused(await makeServer(broker.root, 'f2-kafka', ['localhost'], new Date()));
  });

  test("on the platform's listener: a device", async () => {
    await refused(await broker.device('f2-device'), broker.platformPort);
  });

  test('who has a certificate and not its key', async () => {
    const [own, other] = [await broker.device('f2-own'), await broker.device('f2-other')];
    await refused({ certificate: other.certificate, key: own.key });
  });

  test.each([
    ['mqtts', 'without a certificate'],
    ['mqtt', 'without TLS'],
  ])('%s: who comes %s', async (scheme) => {
    for (const port of [broker.mosquitto.port, broker.platformPort]) {
      const options = { servername: 'localhost', ca: broker.root.certificate, reconnectPeriod: 0, connectTimeout: 3_000 };
      await expect(
        connectAsync(`${scheme}://127.0.0.1:${port}`, { ...options, username: 'f2-x', password: 'x' }),
      ).rejects.toThrow();
    }
  });

  test('and a device does not take another server for the broker', async () => {
    const stranger = await makeAuthority('Millrace', new Date());
    const owner = await broker.device('f2-careful');
    await expect(broker.connect(owner, { ca: stranger.certificate })).rejects.toThrow(/certificate/);
  });
});

describe.skipIf(none)('the platform', () => {
  test('its producers read what devices send, and command nobody', async () => {
    const device = await broker.connect(await broker.device('f2-obeys'));
    const heard = heardBy(device);
    await device.subscribeAsync('cmnd/f2-obeys/#', { qos: 1 });
    const producer = await broker.role('producer', { protocolVersion: 5 });
    for (const topic of ['cmnd/f2-obeys/forged', 'tele/f2-obeys/forged']) await tryPublish(producer, topic);
    await (await broker.role('commands')).publishAsync('cmnd/f2-obeys/real', '', { qos: 1 });
    await until(heard, 'cmnd/f2-obeys/real');
    expect(heard).toEqual(['cmnd/f2-obeys/real']);
  });

  test('who is connected while the broker reads its files again may go on', async () => {
    const device = await broker.connect(await broker.device('f2-goes-on'));
    const [producer, commands] = [await broker.role('producer'), await broker.role('commands')];
    const heard = [heardBy(device), heardBy(producer)] as const;
    await device.subscribeAsync('cmnd/f2-goes-on/#', { qos: 1 });
    await producer.subscribeAsync('tele/f2-goes-on/#', { qos: 1 });
    const before = reloads(broker);
    await broker.revoke([]);
    await vi.waitFor(() => expect(reloads(broker)).toBeGreaterThan(before), { timeout: 20_000 });
    await commands.publishAsync('cmnd/f2-goes-on/x', '', { qos: 1 });
    await device.publishAsync('tele/f2-goes-on/x', '', { qos: 1 });
    await until(heard[0], 'cmnd/f2-goes-on/x');
    await until(heard[1], 'tele/f2-goes-on/x');
  });

  test('several producers share a name, and what there is, by their client ids', async () => {
    const [one, two] = await Promise.all(['one', 'two'].map((clientId) => broker.role('producer', { clientId })));
    if (!one || !two) throw new Error('no producers');
    const heard = [heardBy(one), heardBy(two)];
    for (const producer of [one, two]) await producer.subscribeAsync('$share/p/tele/f2-shared/#', { qos: 1 });
    const device = await broker.connect(await broker.device('f2-shared'));
    for (let at = 0; at < 10; at++) await device.publishAsync(`tele/f2-shared/${at}`, '', { qos: 1 });
    await vi.waitFor(() => expect(heard.flat()).toHaveLength(10), { timeout: 20_000 });
    expect(new Set(heard.flat()).size).toBe(10);
    expect(heard.every(({ length }) => length > 0)).toBe(true);
  });

  test('its commands pretend to be no device', async () => {
    const producer = await broker.role('producer');
    const heard = heardBy(producer);
    await producer.subscribeAsync(['tele/#', 'stat/#'], { qos: 1 });
    await tryPublish(await broker.role('commands'), 'stat/f2-real/forged');
    await (await broker.connect(await broker.device('f2-real'))).publishAsync('stat/f2-real/real', '', { qos: 1 });
    await until(heard, 'stat/f2-real/real');
    expect(heard).not.toContain('stat/f2-real/forged');
    await producer.endAsync(true);
  });
});

describe.skipIf(none)('while the producer is away', () => {
  // It gets new files at every revocation, and when it has just started.
  test.each([
    ['the broker reads its files again', ['SIGHUP']],
    ['the broker starts again', ['restart']],
    ['the broker starts again and reads its files', ['restart', 'SIGHUP', 'SIGHUP']],
  ] as const)('%s: what devices send waits for it, before and after', { timeout: 60_000 }, async (_, deeds) => {
    const own = await startBroker();
    try {
      const session = { clientId: 'producer', clean: false };
      const before = await own.role('producer', session);
      await before.subscribeAsync(['tele/#', 'stat/#'], { qos: 1 });
      await before.endAsync();
      const owner = await own.device('f2-sends');
      const sent: string[] = [];
      const send = async (): Promise<void> => {
        const device = await own.connect(owner);
        sent.push(`tele/f2-sends/${sent.length}`);
        await device.publishAsync(sent.at(-1) ?? '', '', { qos: 1 });
        await device.endAsync();
      };
      await send();
      for (const deed of deeds) {
        if (deed === 'restart') {
          own.mosquitto.kill('SIGTERM');
          await own.mosquitto.exited;
          await own.mosquitto.start();
        } else {
          const from = reloads(own);
          own.mosquitto.kill('SIGHUP');
          await vi.waitFor(() => expect(reloads(own)).toBeGreaterThan(from), { timeout: 20_000 });
        }
        await send();
      }
      const heard = heardBy(await own.role('producer', session));
      await vi.waitFor(() => expect(heard).toEqual(sent), { timeout: 20_000 });
    } finally {
      await own.stop();
    }
  });
});

/** A session of TLS that the broker could take up again without a look at the certificate. @returns whether it did */
async function resume(owner: Owner, session: Buffer | undefined): Promise<{ resumed: boolean; session: Buffer | undefined }> {
  const { certificate: cert, key } = owner;
  const socket = connectTls({
    host: '127.0.0.1',
    port: broker.mosquitto.port,
    servername: 'localhost',
    ca: broker.root.certificate,
    cert,
    key,
    ...(session ? { session } : {}),
  });
  let given: Buffer | undefined;
  socket.on('session', (one: Buffer) => {
    given = one;
  });
  try {
    await once(socket, 'secureConnect');
    // CONNECT of 3.1.1 with an empty client id, and the broker's CONNACK
    socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex'));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('hex')).toBe('20020000');
    return { resumed: socket.isSessionReused(), session: given };
  } finally {
    socket.destroy();
  }
}

describe.skipIf(none)('a revoked certificate', () => {
  test('counts no more once the broker has read the list, and nobody else notices', { timeout: 60_000 }, async () => {
    const [bad, good] = [await broker.device('f2-bad'), await broker.device('f2-good')];
    const first = await resume(bad, undefined);
    expect((await resume(bad, first.session)).resumed).toBe(true); // or what follows would show nothing
    const [staying, stolen] = [await broker.connect(good), await broker.connect(bad)];
    const closed = vi.fn();
    staying.on('close', closed);
    const heard = heardBy(staying);
    await staying.subscribeAsync('cmnd/f2-good/#', { qos: 1 });

    await broker.revoke([bad.serial]);
    await vi.waitFor(() => expect(broker.connect(bad)).rejects.toThrow(/revoked/), { timeout: 30_000, interval: 100 });
    await expect(resume(bad, first.session)).rejects.toThrow(/revoked/);
    await broker.connect(await broker.device('f2-bad')); // another certificate of the same name
    await (await broker.role('commands')).publishAsync('cmnd/f2-good/x', '', { qos: 1 });
    await until(heard, 'cmnd/f2-good/x');
    expect(closed).not.toHaveBeenCalled();
    // Mosquitto asks only when somebody connects.
    await vi.waitFor(() => expect(stolen.connected).toBe(false), { timeout: 20_000 }); // pushed off by the one above

    await broker.revoke([good.serial]);
    await vi.waitFor(() => expect(broker.connect(good)).rejects.toThrow(/revoked/), { timeout: 30_000, interval: 100 });
    await expect(broker.connect(bad)).rejects.toThrow(/revoked/);
    expect(closed).not.toHaveBeenCalled(); // a revoked one that is connected stays
  });

  test('a device that is connected stays, and is pushed off by a role that connects under its name', async () => {
    const owner = await broker.device('f2-stays');
    const device = await broker.connect(owner);
    const closed = new Promise<void>((resolve) => device.once('close', resolve));
    await broker.revoke([owner.serial]);
    await vi.waitFor(() => expect(broker.connect(owner)).rejects.toThrow(/revoked/), { timeout: 30_000, interval: 100 });
    expect(device.connected).toBe(true);
    const role = await broker.role('commands', { clientId: 'f2-stays' });
    await closed;
    await role.endAsync();
  });

  test('with a list that is over nobody is let in, so that withholding lists does not help', async () => {
    const late = await startBroker({ crlFrom: new Date(Date.now() - 8 * DAY_MS) });
    try {
      await expect(late.connect(await late.device('f2-good'))).rejects.toThrow();
      await late.role('producer'); // whose listener has no list
      await late.revoke([]);
      const connected = vi.waitFor(async () => late.connect(await late.device('f2-good')), { timeout: 30_000, interval: 100 });
      expect((await connected).connected).toBe(true);
    } finally {
      await late.stop();
    }
  });
});

describe('the configuration', () => {
  const options = {
    tls: { devices: { port: 8883, ca: '/d', crl: '/crl' }, platform: { port: 8884, ca: '/p' }, certificate: '/c', key: '/k' },
    acl: (listener: string) => `/acl.${listener}`,
    data: '/data',
  };

  test('has no listener without TLS, and nobody without a name', () => {
    const text = mosquittoConfig({ ...options, loopbackPort: null });
    const listeners = text.split(/^listener /m).slice(1);
    expect(listeners).toHaveLength(2);
    for (const one of listeners)
      for (const line of ['require_certificate true', 'use_identity_as_username true', 'certfile /c', 'allow_anonymous false'])
        expect(one).toContain(line);
    expect(listeners.map((one) => /acl_file (.*)/.exec(one)?.[1])).toEqual(['/acl.devices', '/acl.platform']);
    expect(ACLS.devices).not.toMatch(/^(?!pattern \S+ \S+\/%u\/#$)./m); // each rule is of who it is
  });

  test('for the demo has one on loopback only', () => {
    const text = mosquittoConfig({ ...options, tls: null, loopbackPort: 1883 });
    expect(text.match(/^listener .*/gm)).toEqual(['listener 1883 127.0.0.1']);
  });

  test.skipIf(none)('lets everybody in on loopback, and on no other listener', async () => {
    const open = await startBroker({ loopback: true });
    try {
      const anybody = await connectAsync(`mqtt://127.0.0.1:${open.loopbackPort}`, { reconnectPeriod: 0 });
      const heard = heardBy(anybody);
      await anybody.subscribeAsync('tele/#', { qos: 1 });
      await anybody.publishAsync('tele/f2-any/x', '', { qos: 1 });
      await until(heard, 'tele/f2-any/x');
      const without = { servername: 'localhost', ca: open.root.certificate, reconnectPeriod: 0, connectTimeout: 3_000 };
      await expect(connectAsync(`mqtts://127.0.0.1:${open.mosquitto.port}`, without)).rejects.toThrow();
      const device = await open.connect(await open.device('f2-own'));
      await tryPublish(device, 'tele/f2-other/x');
      await device.publishAsync('tele/f2-own/x', '', { qos: 1 });
      await until(heard, 'tele/f2-own/x');
      expect(heard).not.toContain('tele/f2-other/x');
      await anybody.endAsync(true);
    } finally {
      await open.stop();
    }
  });
});
