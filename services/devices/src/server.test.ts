import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bearersOf } from '@millrace/core/http/tokens.ts';
import { IdentityRefused } from '@millrace/identity/refused.ts';
import { makeDeviceKey } from '@millrace/identity/sign.ts';
import { requestOf } from '@millrace/identity/testing/request.ts';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Command, Result } from './command.ts';
import { metricsOf } from './metrics.ts';
import { NotSent } from './send.ts';
import { type DevicesServer, type DevicesServerOptions, serveHttp } from './server.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const PROVISIONING = 'p'.repeat(32);
const COMMANDS = 'c'.repeat(32);

const signed = {
  certificate: 'PEM',
  serial: '41',
  fingerprint: '42',
  notBefore: new Date(0),
  notAfter: new Date('2027-01-01T00:00:00Z'),
};
const issue = vi.fn(async () => signed);
const renew = vi.fn(async () => signed);
const send = vi.fn<(command: Command, by: string) => Promise<Result>>();
const said: string[] = [];
const names: string[] = [];
const registry = new Registry();
let folder: string;
let options: DevicesServerOptions;
let server: DevicesServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-devices-'));
  for (const [name, token] of [
    ['provisioning', PROVISIONING],
    ['commands', COMMANDS],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'anna'), `${token}\n`);
  }
  options = {
    host: '127.0.0.1',
    port: 0,
    provisioning: bearersOf(join(folder, 'provisioning')),
    commands: bearersOf(join(folder, 'commands')),
    identity: (by) => {
      names.push(by);
      return { issue, renew };
    },
    authority: 'CA',
    send,
    crl: () => ({ pem: 'CRL', number: 1n, thisUpdate: new Date(), nextUpdate: new Date() }),
    metrics: metricsOf(registry),
    log: pino({ level: 'trace' }, { write: (line: string) => void said.push(line) }),
  };
  server = await serveHttp(options);
});
beforeEach(() => {
  vi.clearAllMocks();
  send.mockResolvedValue({
    id: ID,
    outcome: 'answered',
    answer: { payload: Buffer.from('done'), matchedBy: 'topic' },
    recorded: true,
  });
});
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
  for (const secret of [PROVISIONING, COMMANDS]) expect(said.join('')).not.toContain(secret);
});

interface Answered {
  status: number;
  body: Record<string, unknown>;
  headers: Headers;
}

async function post(path: string, body: unknown, token: string | null, type = 'application/json'): Promise<Answered> {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: 'POST',
    headers: { 'content-type': type, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown>, headers: answer.headers };
}

const command = (body: unknown, token: string | null = COMMANDS): Promise<Answered> =>
  post('/devices/f2-1/commands', body, token);
const provision = (body: unknown, token: string | null = PROVISIONING): Promise<Answered> =>
  post('/devices/f2-1/certificates', body, token);
const csr = async (subject = 'CN=f2-1'): Promise<string> => (await requestOf(subject)).pem;

describe('who may', () => {
  test.each([
    ['nobody', null, 401],
    ['a guess', 'x'.repeat(32), 403],
    ['who only gives certificates', PROVISIONING, 403],
  ])('%s sends no command', async (_who, token, status) => {
    expect(await command({ topic: 'x' }, token)).toMatchObject({
      status,
      body: { error: expect.stringContaining('bearer token') },
    });
    expect(send).not.toHaveBeenCalled();
  });

  test('who only sends commands gives no certificate', async () => {
    expect((await provision({ csr: await csr() }, COMMANDS)).status).toBe(403);
    expect(issue).not.toHaveBeenCalled();
  });

  test('is known before a body is read, which nobody would have to wait for', async () => {
    const options = { host: '127.0.0.1', port: server.port, path: '/devices/f2-1/commands', method: 'POST' };
    const headers = { 'content-type': 'application/json', 'content-length': 50_000 };
    const asking = request({ ...options, headers });
    asking.on('error', () => undefined); // cut off in the middle, as it should be
    asking.flushHeaders();
    const status = await new Promise((resolve) => asking.on('response', ({ statusCode }) => resolve(statusCode)));
    expect(status).toBe(401);
    asking.destroy();
  });

  test('the name of the token goes with what it does', async () => {
    await command({ topic: 'x' });
    expect(send).toHaveBeenCalledWith(expect.objectContaining({ device: 'f2-1', topic: 'x' }), 'token anna');
    await provision({ csr: await csr() });
    expect(names.at(-1)).toBe('token anna');
  });
});

describe('a certificate', () => {
  test('comes for the key in the request', async () => {
    const { pem, publicKey } = await requestOf('CN=f2-1');
    const { status, body } = await provision({ csr: pem, days: 30 });
    expect([status, body]).toEqual([
      201,
      { device: 'f2-1', serial: '41', notAfter: '2027-01-01T00:00:00.000Z', certificate: 'PEM', authority: 'CA' },
    ]);
    const [asked] = issue.mock.calls[0] as unknown as [{ device: string; days: number; publicKey: { rawData: ArrayBuffer } }];
    expect(asked).toMatchObject({ device: 'f2-1', days: 30 });
    expect(Buffer.from(asked.publicKey.rawData)).toEqual(publicKey);
  });

  test('is renewed where that is asked', async () => {
    expect((await provision({ csr: await csr(), renew: true })).status).toBe(201);
    expect(renew).toHaveBeenCalledWith(expect.objectContaining({ supersede: false }));
    expect(issue).not.toHaveBeenCalled();
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['no request', async () => ({}), 'csr'],
    ['the request of another device', async () => ({ csr: await csr('CN=f2-2') }), 'csr'],
    ['a private key in its place', async () => ({ csr: (await makeDeviceKey()).key }), 'csr'],
    ['days as text', async () => ({ csr: await csr(), days: '30' }), 'days'],
    ['renew as text', async () => ({ csr: await csr(), renew: 'no' }), 'renew'],
  ])('%s is refused by its name', async (_what, body, field) => {
    const { status, body: answer } = await provision(await body());
    expect([status, answer.field]).toEqual([400, field]);
    expect(JSON.stringify(answer)).not.toContain('PRIVATE');
    expect(issue).not.toHaveBeenCalled();
  });

  test('of a device that has one is a conflict', async () => {
    issue.mockRejectedValueOnce(new IdentityRefused('device', 'f2-1 has a certificate', true));
    expect(await provision({ csr: await csr() })).toMatchObject({ status: 409, body: { field: 'device' } });
  });

  test('that cannot be recorded is not given, and nothing of why is told', async () => {
    issue.mockRejectedValueOnce(new Error('password of postgres is secret'));
    const { status, body, headers } = await provision({ csr: await csr() });
    expect([status, headers.get('retry-after')]).toEqual([503, '5']);
    expect(JSON.stringify(body)).not.toContain('postgres');
  });
});

describe('a command', () => {
  test('is answered by what the device says', async () => {
    expect(await command({ topic: 'x' })).toMatchObject({
      status: 200,
      body: { id: ID, outcome: 'answered', answer: 'done', matchedBy: 'topic', recorded: true },
    });
  });

  test('bytes that are no text come as base64', async () => {
    const payload = Buffer.of(0xff, 0x00);
    send.mockResolvedValueOnce({ id: ID, outcome: 'answered', answer: { payload, matchedBy: 'correlation' }, recorded: true });
    expect((await command({ topic: 'x' })).body).toMatchObject({ answerBase64: '/wA=' });
  });

  test.each([
    ['undelivered', 404, 'nobody listens at cmnd/f2-1/x'],
    ['unanswered', 504, 'did not answer within 10 s at stat/f2-1/x'],
    ['failed', 502, 'nobody knows'],
  ] as const)('that is %s has its number all the same', async (outcome, status, error) => {
    send.mockResolvedValueOnce({ id: ID, outcome, answer: null, recorded: true });
    expect(await command({ topic: 'x' })).toMatchObject({
      status,
      body: { id: ID, outcome, error: expect.stringContaining(error) },
    });
  });

  test.each([
    ['busy', 409],
    ['away', 503],
  ] as const)('that was not sent (%s) may be sent again', async (why, status) => {
    send.mockRejectedValueOnce(new NotSent(why, 'not now'));
    const { headers, ...answer } = await command({ topic: 'x' });
    expect(answer).toMatchObject({ status, body: { error: 'not now' } });
    expect(headers.get('retry-after')).toMatch(/^\d$/);
  });

  test.each([
    ['a wildcard', { topic: '#' }, 400, 'topic'],
    ['no JSON', '{"topic"', 400, undefined],
    ['a bomb for prototypes', '{"__proto__":{"topic":"x"}}', 400, undefined],
    ['too much', { topic: 'x', payload: 'x'.repeat(100_000) }, 413, undefined],
  ])('%s is refused', async (_what, body, status, field) => {
    const answer = await command(body);
    expect([answer.status, answer.body.field]).toEqual([status, field]);
    expect(answer.body.error).toEqual(expect.any(String));
    expect(send).not.toHaveBeenCalled();
  });

  test('in another form is refused', async () => {
    expect((await post('/devices/f2-1/commands', 'topic=x', COMMANDS, 'application/x-www-form-urlencoded')).status).toBe(415);
  });

  test.each(['/devices/%2B/commands', '/devices/f2%2Fother/commands', '/devices/millrace-commands/commands'])(
    'to %s is refused',
    async (path) => {
      expect((await post(path, { topic: 'x' }, COMMANDS)).status).toBe(400);
      expect(send).not.toHaveBeenCalled();
    },
  );
});

test('it says of itself what it takes', async () => {
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`);
  const api = (await (await get('/openapi.json')).json()) as { openapi: string; paths: Record<string, unknown> };
  expect(api.openapi).toBe('3.1.0');
  expect(Object.keys(api.paths)).toEqual(['/devices/{device}/certificates', '/devices/{device}/commands', '/crl.pem']);
  expect(await (await get('/')).text()).toContain('POST /devices/{device}/commands');
  expect(await (await get('/crl.pem')).text()).toBe('CRL');
  expect((await get('/nothing')).status).toBe(404);
});

test('who asks too fast is told to wait, and its requests are counted', async () => {
  const hour = 1 / 3_600;
  const slow = await serveHttp({ ...options, rates: { address: 100, provisioning: hour, commands: hour } });
  try {
    const ask = (): Promise<Response> =>
      fetch(`http://127.0.0.1:${slow.port}/devices/f2-1/commands`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${COMMANDS}` },
        body: '{"topic":"x"}',
      });
    expect((await ask()).status).toBe(200);
    const second = await ask();
    expect(second.status).toBe(429);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(3_000);
  } finally {
    await slow.close();
  }
  expect(await registry.metrics()).toMatch(/millrace_devices_requests_total\{code="429"\} 1\n/);
  expect(await registry.metrics()).toMatch(/millrace_devices_commands_total\{outcome="answered"\} \d+/);
});
