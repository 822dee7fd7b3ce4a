import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDeviceAuthority, openAuthority } from '@millrace/identity/authority.ts';
import { signCrl } from '@millrace/identity/crl.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { lookOnce } from './brokerFiles.ts';
import { processesOf } from './processes.ts';

const now = new Date();
const authority = await openAuthority(await makeDeviceAuthority(now));
const first = await signCrl(authority, [], null, now);
const second = await signCrl(authority, [{ serial: '4142', at: now, reason: 'keyCompromise' }], first, now);

let folder: string;
let server: Server;
let answer: [code: number, body: string] = [200, first.pem];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-broker-files-'));
  server = createServer((_request, response) => void response.writeHead(answer[0]).end(answer[1]));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const reload = vi.fn();
let seen: { digest: string | null };
beforeEach(() => {
  answer = [200, first.pem];
  seen = { digest: null };
  reload.mockClear();
  for (const [name, text] of [
    ['devices.crt', authority.pem],
    ['tls.crt', 'one'],
  ] as const)
    writeFileSync(join(folder, name), text);
  rmSync(join(folder, 'crl.pem'), { force: true });
});

function look(): Promise<boolean> {
  const { port } = server.address() as { port: number };
  const file = (name: string): string => join(folder, name);
  const options = { authority: file('devices.crt'), crl: file('crl.pem'), watched: [file('tls.crt')], reload };
  return lookOnce({ ...options, url: new URL(`http://127.0.0.1:${port}/crl.pem`), log: pino({ level: 'silent' }) }, seen);
}

const kept = (): string => readFileSync(join(folder, 'crl.pem'), 'utf8');

test('a newer list is taken, and the broker reads it once', async () => {
  expect(await look()).toBe(true);
  expect(await look()).toBe(false);
  answer = [200, second.pem];
  expect([await look(), await look()]).toEqual([true, false]);
  expect(kept()).toBe(second.pem);
  expect(reload).toHaveBeenCalledTimes(2);
});

test('an older list does not undo a revocation', async () => {
  answer = [200, second.pem];
  await look();
  answer = [200, first.pem];
  expect(await look()).toBe(false);
  expect(kept()).toBe(second.pem);
});

test.each<[string, () => Promise<[number, string]>]>([
  [
    'of another authority',
    async () => [200, (await signCrl(await openAuthority(await makeDeviceAuthority(now)), [], second, now)).pem],
  ],
  ['that is none', async () => [200, 'hello']],
  ['that is not given', async () => [503, '{}']],
])('a list %s is not taken, and what there is stays', async (_what, other) => {
  await look();
  answer = await other();
  await expect(look()).rejects.toThrow(`crl.pem ${answer[0] === 200 ? 'gives' : 'answers 503'}`);
  expect(kept()).toBe(first.pem);
  expect(reload).toHaveBeenCalledTimes(1);
});

test('a renewed certificate is read, also while no list is given', async () => {
  await look();
  answer = [503, '{}'];
  writeFileSync(join(folder, 'tls.crt'), 'two');
  await expect(look()).rejects.toThrow('answers 503');
  expect(reload).toHaveBeenCalledTimes(2);
});

test('a program is found by its name', () => {
  const own = readFileSync('/proc/self/comm', 'utf8').trimEnd();
  expect(processesOf(own)).toContain(process.pid);
  expect(processesOf('no such program')).toEqual([]);
});
