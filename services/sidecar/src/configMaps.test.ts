import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ConfigMaps, configMaps } from './configMaps.ts';
import { reloadPrometheus } from './prometheus.ts';

let folder: string;
let server: Server;
let base: URL;
let maps: ConfigMaps;
let asked: IncomingMessage[];
let answer: (request: IncomingMessage) => [number, string];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-account-'));
  writeFileSync(join(folder, 'token'), 'secret\n');
  writeFileSync(join(folder, 'ca.crt'), '');
  server = createServer((request, response) => {
    asked.push(request);
    const [status, body] = answer(request);
    response.writeHead(status).end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  maps = configMaps({ api: base, account: folder, namespace: 'feeds', label: 'millrace.dev/rules=true' });
});
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

test('asks as the account of the pod, by label, and only for names and versions', async () => {
  answer = () => [200, JSON.stringify({ items: [{ metadata: { name: 'a', resourceVersion: '7' } }] })];
  expect(await maps.versions()).toEqual(new Map([['a', '7']]));
  expect(asked[0]).toMatchObject({
    url: '/api/v1/namespaces/feeds/configmaps?labelSelector=millrace.dev%2Frules%3Dtrue',
    headers: { authorization: 'Bearer secret', accept: expect.stringContaining('as=PartialObjectMetadataList') },
  });
});

test('one that is gone, or empty, is no error', async () => {
  answer = ({ url }) => (url?.endsWith('/gone') ? [404, '{}'] : [200, '{"metadata":{}}']);
  expect(await maps.files('gone')).toBeNull();
  expect(await maps.files('empty')).toEqual({});
});

test('a refusal is told in the words of the API', async () => {
  answer = () => [403, JSON.stringify({ message: 'configmaps is forbidden' })];
  await expect(maps.versions()).rejects.toThrow('answers 403 to /api/v1/namespaces/feeds/configmaps: configmaps is forbidden');
});

test('who does not answer is named', async () => {
  const nobody = configMaps({ api: new URL('http://127.0.0.1:1'), account: folder, namespace: 'feeds', label: 'a=b' });
  await expect(nobody.versions()).rejects.toThrow('http://127.0.0.1:1 does not answer');
});

test.each([
  [200, '', null],
  [500, 'failed to reload config: rules\n', 'failed to reload config: rules'],
])('a Prometheus that answers %s to a reload: %j', async (status, body, wanted) => {
  answer = () => [status, body];
  expect(await reloadPrometheus(base)()).toBe(wanted);
  expect(asked[0]).toMatchObject({ method: 'POST', url: '/-/reload' });
});

test('a Prometheus that may not be asked is no refusal of the rules', async () => {
  answer = () => [403, 'Lifecycle API is not enabled.'];
  await expect(reloadPrometheus(base)()).rejects.toThrow('answers 403 to /-/reload: Lifecycle API is not enabled.');
});
