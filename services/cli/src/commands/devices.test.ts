/** The role `devices` as a process, a real Mosquitto with what is beside it, a real PostgreSQL. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeClient } from '@millrace/bootstrap/certificates.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { keepBrokerFiles } from '@millrace/devices/brokerFiles.ts';
import { findMosquitto } from '@millrace/embedded/mosquitto.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { type Identity, identityOf } from '@millrace/identity/identity.ts';
import { BROKER_USERS } from '@millrace/identity/mosquitto.ts';
import { makeDeviceKey } from '@millrace/identity/sign.ts';
import { type Owner, startBroker, type TestBroker } from '@millrace/identity/testing/broker.ts';
import { withSession } from '@millrace/setup/session.ts';
import { migrate } from '@millrace/setup/system.ts';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { quietLog } from '../log.ts';

const none = findMosquitto() === null;
const MAIN = join(import.meta.dirname, '../../bin/millrace.ts');
const WITHIN = { timeout: 60_000, interval: 50 };

let folder: string;
let broker: TestBroker;
let postgres: EmbeddedPostgres;
let pool: Pool;
let identity: Identity;
let words: string[];
let [httpPort, port]: [number, number] = [0, 0];
const started: ChildProcess[] = [];
beforeAll(async () => {
  if (none) return;
  folder = mkdtempSync(join(tmpdir(), 'millrace-devices-role-'));
  [broker, postgres] = await Promise.all([startBroker(), startPostgres()]);
  pool = connectDatabase({ url: postgres.url, applicationName: 'devices.test', log: quietLog() });
  await withSession(pool, 30_000, migrate);
  identity = identityOf({ pool, authority: broker.authority, by: 'tests' });
  const { certificate, key } = await makeClient(broker.root, BROKER_USERS.commands, new Date());
  const file = (name: string, text: string): string => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  file('ca/tls.crt', broker.authorityPair.certificate);
  file('ca/tls.key', broker.authorityPair.key);
  file('tokens/anna', 'a'.repeat(32));
  [httpPort = 0, port = 0] = await freePorts(2);
  words = [
    ['--database', postgres.url],
    ['--ca', join(folder, 'ca')],
    ['--provisioning-tokens', join(folder, 'tokens')],
    ['--command-tokens', join(folder, 'tokens')],
    ['--http-port', String(httpPort)],
    ['--port', String(port)],
    ['--mqtt', `mqtts://localhost:${broker.platformPort}`],
    ['--mqtt-devices', `mqtts://localhost:${broker.mosquitto.port}`],
    ['--mqtt-ca', file('root.crt', broker.root.certificate)],
    ['--mqtt-cert', file('commands.crt', certificate)],
    ['--mqtt-key', file('commands.key', key)],
  ].flat();
});
afterAll(async () => {
  for (const role of started) role.kill('SIGKILL');
  await pool?.end();
  await Promise.all([broker?.stop(), postgres?.stop()]);
  if (folder) rmSync(folder, { recursive: true, force: true });
});

function startRole(): ChildProcess {
  const role = spawn(process.execPath, [MAIN, 'devices', ...words], { stdio: 'ignore' });
  started.push(role);
  return role;
}

const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

async function device(name: string): Promise<Owner> {
  const { key, publicKey } = await makeDeviceKey();
  const { certificate, serial } = await identity.issue({ device: name, days: 1, publicKey });
  return { certificate, key, serial };
}

test.skipIf(none)(
  'a role that is killed after a device was revoked pushes it off when it is back',
  { timeout: 180_000 },
  async () => {
    const [bad, good] = [await device('f2-bad'), await device('f2-good')];
    const [off, staying] = [await broker.connect(bad), await broker.connect(good)];
    const closed = vi.fn();
    for (const client of [off, staying]) client.on('close', () => closed(client));

    const first = startRole();
    await vi.waitFor(async () => expect(await metrics()).toContain('millrace_devices_over_certificates 0'), WITHIN);
    await identity.revoke('f2-bad', 'keyCompromise');
    // It knows of it, and waits for the broker to have the list.
    await vi.waitFor(async () => expect(await metrics()).toContain('millrace_devices_over_certificates 1'), WITHIN);
    first.kill('SIGKILL');
    await once(first, 'exit');
    expect(closed).not.toHaveBeenCalled();

    const second = startRole();
    const stopping = new AbortController();
    const beside = keepBrokerFiles(
      {
        url: new URL(`http://127.0.0.1:${httpPort}/crl.pem`),
        authority: join(folder, 'ca/tls.crt'),
        crl: join(broker.folder, 'crl.pem'),
        watched: [],
        reload: () => broker.mosquitto.kill('SIGHUP'),
        log: quietLog(),
      },
      stopping.signal,
    );
    await vi.waitFor(() => expect(closed).toHaveBeenCalledWith(off), WITHIN);
    await vi.waitFor(async () => expect(await metrics()).toContain('millrace_devices_pushed_off_total{why="revoked"} 1'), WITHIN);
    for (const certificate of ['authority', 'broker', 'commands'])
      expect(await metrics()).toMatch(new RegExp(`certificate_end_timestamp_seconds{certificate="${certificate}"} \\d{10}`));
    await expect(broker.connect(bad)).rejects.toThrow(/revoked/);
    expect(closed).toHaveBeenCalledTimes(1);

    stopping.abort();
    await beside;
    second.kill('SIGTERM');
    expect(await once(second, 'exit')).toEqual([0, null]);
  },
);
