/** A real Mosquitto with the configuration that this package makes, and clients of it. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyPair, makeAuthority, makeClient, makeServer } from '@millrace/bootstrap/certificates.ts';
import { type EmbeddedMosquitto, startMosquitto } from '@millrace/embedded/mosquitto.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { type Authority, makeDeviceAuthority, openAuthority } from '../authority.ts';
import { type Crl, type Revoked, signCrl } from '../crl.ts';
import { ACLS, BROKER_USERS, mosquittoConfig } from '../mosquitto.ts';
import { makeDeviceKey, signDevice } from '../sign.ts';

export type Owner = KeyPair & { serial: string };

export interface TestBroker {
  mosquitto: EmbeddedMosquitto;
  authority: Authority;
  authorityPair: KeyPair;
  /** Of the installation. */
  root: KeyPair;
  folder: string;
  loopbackPort: number | null;
  platformPort: number;
  /** A device with a certificate. */
  device(name: string, days?: number, from?: Date): Promise<Owner>;
  /** Of the platform, on its own listener. */
  role(name: keyof typeof BROKER_USERS, options?: IClientOptions): Promise<MqttClient>;
  /** On the listener of devices. @throws Error where it is not let in */
  connect(owner: KeyPair, options?: IClientOptions, port?: number): Promise<MqttClient>;
  /** Writes the list and lets the broker read it. */
  revoke(serials: readonly string[]): Promise<void>;
  /** Lets the broker read this list instead. */
  take(pem: string): void;
  /** Ends all connections, then the broker. */
  stop(): Promise<void>;
}

/** @param crlFrom when its first list was made */
export async function startBroker(options: { loopback?: boolean; crlFrom?: Date } = {}): Promise<TestBroker> {
  const now = new Date();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-broker-'));
  const root = await makeAuthority('Millrace', now);
  const authorityPair = await makeDeviceAuthority(now);
  const authority = await openAuthority(authorityPair);
  const server = await makeServer(root, 'mqtt', ['localhost'], now);
  const [platformPort = 0, loopbackPort = 0] = await freePorts(2);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, `${name}.new`), text, { mode: 0o600 });
    renameSync(join(folder, `${name}.new`), join(folder, name));
    return join(folder, name);
  };
  let crl: Crl = await signCrl(authority, [], null, options.crlFrom ?? now);
  const revoked: Revoked[] = [];
  const files = {
    ca: file('devices.crt', authority.pem),
    crl: file('crl.pem', crl.pem),
    root: file('ca.crt', root.certificate),
    certificate: file('tls.crt', server.certificate),
    key: file('tls.key', server.key),
  };
  const config = (port: number, data: string): string => {
    mkdirSync(data, { recursive: true });
    const all = {
      host: '127.0.0.1',
      tls: {
        devices: { port, ca: files.ca, crl: files.crl },
        platform: { port: platformPort, ca: files.root },
        certificate: files.certificate,
        key: files.key,
      },
      loopbackPort: options.loopback ? loopbackPort : null,
      data,
    };
    const user = process.getuid?.() === 0 ? 'user root\n' : ''; // another one could not read these files
    return `${user}${mosquittoConfig({ ...all, acl: (listener) => file(`acl.${listener}`, ACLS[listener]) })}`;
  };
  const mosquitto = await startMosquitto({ config });
  const take = (pem: string): void => {
    file('crl.pem', pem);
    mosquitto.kill('SIGHUP');
  };
  const clients: MqttClient[] = [];
  const connect: TestBroker['connect'] = async (owner, more = {}, port = mosquitto.port) => {
    const client = await connectAsync(`mqtts://127.0.0.1:${port}`, {
      servername: 'localhost',
      ca: root.certificate,
      cert: owner.certificate,
      key: owner.key,
      reconnectPeriod: 0,
      connectTimeout: 20_000,
      ...more,
    });
    clients.push(client);
    return client;
  };
  return {
    mosquitto,
    authority,
    authorityPair,
    root,
    folder,
    platformPort,
    loopbackPort: options.loopback ? loopbackPort : null,
    connect,
    async device(device, days = 1, from = now) {
      const { key, publicKey } = await makeDeviceKey();
      const { certificate, serial } = await signDevice(authority, { device, days, publicKey, now: from });
      return { certificate, key, serial };
    },
    role: async (name, more) => connect(await makeClient(root, BROKER_USERS[name], now), more, platformPort),
    async revoke(serials) {
      revoked.push(...serials.map((serial): Revoked => ({ serial, at: now, reason: 'keyCompromise' })));
      crl = await signCrl(authority, revoked, crl, new Date());
      take(crl.pem);
    },
    take,
    async stop() {
      await Promise.all(clients.map((client) => client.endAsync(true)));
      await mosquitto.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
