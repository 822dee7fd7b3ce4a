import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type EmbeddedMosquitto, findMosquitto, type MosquittoOptions, startMosquitto } from './mosquitto.ts';
import { mosquittoConfig } from './mosquittoConfig.ts';

describe('its configuration', () => {
  const configOf = (listener: Parameters<typeof mosquittoConfig>[2], settings = {}): string[] =>
    mosquittoConfig(1883, '/data', listener, settings).trimEnd().split('\n');

  test('is open on loopback only, and drops nothing that waits', () => {
    const lines = configOf({});
    expect(lines).toEqual(expect.arrayContaining(['listener 1883 127.0.0.1', 'max_queued_messages 0', 'allow_anonymous true']));
    expect(lines.filter((line) => line.startsWith('listener '))).toHaveLength(1);
  });

  test('of devices with certificates has no way in without one', () => {
    const tls = { ca: '/ca', certificate: '/crt', key: '/key', crl: '/crl', requireCertificate: true, identityAsUsername: true };
    expect(configOf({ tls, acl: '/acl' })).toEqual(
      expect.arrayContaining([
        'allow_anonymous false',
        'require_certificate true',
        'use_identity_as_username true',
        'cafile /ca',
        'crlfile /crl',
        'acl_file /acl',
      ]),
    );
  });

  test('takes other settings, and several of a name', () => {
    expect(configOf({}, { max_queued_messages: '7', log_type: ['a', 'b'] })).toEqual(
      expect.arrayContaining(['max_queued_messages 7', 'log_type a', 'log_type b']),
    );
  });
});

const none = findMosquitto() === null;

describe.skipIf(none)(`a broker${none ? ' (skipped: needs mosquitto)' : ''}`, () => {
  const started: EmbeddedMosquitto[] = [];
  const start = async (options: MosquittoOptions = {}): Promise<EmbeddedMosquitto> => {
    const broker = await startMosquitto(options);
    started.push(broker);
    return broker;
  };
  afterEach(async () => {
    await Promise.all(started.splice(0).map((broker) => broker.stop()));
  });
  const clientOf = ({ port }: EmbeddedMosquitto, program: 'pub' | 'sub', ...words: string[]): string =>
    execFileSync(`mosquitto_${program}`, ['-h', '127.0.0.1', '-p', String(port), ...words], {
      encoding: 'utf8',
      timeout: 30_000,
    });

  test('keeps what waits for a subscriber over a restart, on the same port', { timeout: 60_000 }, async () => {
    const broker = await start();
    clientOf(broker, 'sub', '-c', '-i', 'reader', '-q', '1', '-t', 'a/#', '-E');
    clientOf(broker, 'pub', '-q', '1', '-t', 'a/b', '-m', 'first');
    const { port, folder, pid } = broker;
    broker.kill('SIGTERM');
    await broker.exited;
    await broker.start();
    expect([broker.port, broker.pid === pid]).toEqual([port, false]);
    expect(clientOf(broker, 'sub', '-c', '-i', 'reader', '-q', '1', '-t', 'a/#', '-C', '1')).toBe('first\n');
    await broker.stop();
    expect(existsSync(folder)).toBe(false);
  });

  test('that cannot start says why', { timeout: 60_000 }, async () => {
    await expect(start({ settings: { no_such_setting: '1' } })).rejects.toThrow(
      /Mosquitto in .* ended before[\s\S]*no_such_setting/,
    );
  });

  test('does not take a port that another program has', { timeout: 60_000 }, async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toThrow(`Mosquitto cannot listen on 127.0.0.1:${port}`);
  });
});
