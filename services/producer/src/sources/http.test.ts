/** What devices and their attackers see of a source of HTTP, on a real Kafka. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { heldBytes } from '../http/body.ts';
import { createTopic, pipelineOf, recordsOf, untilState } from '../testing/pipeline.ts';
import { http } from './http.ts';

const log = pino({ level: 'silent' });
const PUSH = readFileSync(new URL('../../../../examples/phone-sensors/push.json', import.meta.url));
const PHONE = '8b5937fb-2160-4825-ba40-4bc646f93839';
let server: EmbeddedKafka;
let kafka: Kafka;
const workers: Worker[] = [];

beforeAll(async () => {
  server = await startKafka();
  kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log });
}, 120_000);
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  expect(heldBytes()).toBe(0);
});
afterAll(async () => {
  await kafka?.close();
  await server?.stop();
});

const phones = (name: string, more: object = {}): Pipeline =>
  pipelineOf(
    name,
    { http: { auth: { open: true }, ...more } },
    {
      record: {
        decode: 'sensor-logger',
        time: { field: 'time', format: 'epoch_ns' },
        fields: { device: { type: 'text', from: 'deviceId', required: true } },
      },
    },
  );

async function serve(pipeline: Pipeline, port: number): Promise<{ url: string; worker: Worker; metrics: Registry }> {
  await createTopic(kafka, pipeline);
  const metrics = new Registry();
  const options = { host: '127.0.0.1', port, secrets: null };
  const worker = await http.start(pipeline, { kafka, log, metrics, baseFolder: '/', http: options });
  workers.push(worker);
  await untilState(worker, 'taking');
  return { url: `http://127.0.0.1:${port}`, worker, metrics };
}

const freePort = async (): Promise<number> => Number((await freePorts(1))[0]);
const post = (url: string, body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', body: body ?? null, headers: { 'content-type': 'application/json', ...headers } });

test('a real push is in Kafka, byte by byte, once it is answered 200', async () => {
  const pipeline = phones('real');
  const { url } = await serve(pipeline, await freePort());
  for (const path of ['/logs', '/sensor_data', '/pipelines/real', '/logs/']) {
    const answer = await post(url + path, PUSH);
    expect([answer.status, await answer.json()]).toEqual([200, { records: 1 }]);
  }
  expect((await post(`${url}/logs`, gzipSync(PUSH), { 'content-encoding': 'gzip' })).status).toBe(200);
  const records = (await recordsOf(kafka, namesOf(pipeline).raw)).flat();
  expect(records).toHaveLength(5);
  for (const { key, value, headers } of records) {
    expect(key?.toString()).toBe(PHONE);
    expect(value?.equals(PUSH)).toBe(true);
    expect([headers.source?.toString(), headers['received-at']?.toString()]).toEqual(['http', expect.stringMatching(/^\d{13}$/)]);
  }
});

describe('what is refused says what is allowed', () => {
  test.each<[string, string, RequestInit, number, RegExp]>([
    ['another path', '/nowhere', {}, 404, /no path \/nowhere/],
    ['another method', '/logs', { method: 'GET' }, 405, /allowed is POST/],
    [
      'another content type',
      '/logs',
      { headers: { 'content-type': 'text/csv' } },
      415,
      /"text\/csv"; allowed are application\/json/,
    ],
    ['no content type', '/logs', { body: new Uint8Array([1]), headers: {} }, 415, /allowed are application\/json/],
    ['another packing', '/logs', { headers: { 'content-encoding': 'br' } }, 415, /"br"; allowed is gzip/],
    ['no gzip', '/logs', { headers: { 'content-encoding': 'gzip' } }, 400, /no gzip/],
    ['no push', '/logs', { body: '{"deviceId":"d"}' }, 400, /payload/],
  ])('%s', async (_name, path, init, code, message) => {
    const { url, metrics } = await serve(phones('refused'), await freePort());
    const method = init.method ?? 'POST';
    const headers = { 'content-type': 'application/json', ...init.headers };
    const body = method === 'GET' ? null : (init.body ?? '{}');
    const answer = await fetch(url + path, {
      method,
      headers: init.headers && Object.keys(init.headers).length === 0 ? {} : headers,
      body,
    });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([code, expect.stringMatching(message)]);
    if (code !== 404)
      expect(await metrics.getSingleMetricAsString('millrace_producer_http_requests_total')).toContain(
        `{pipeline="default/refused",code="${code}"} 1`,
      );
  });

  test('more than the rate', async () => {
    const { url } = await serve(phones('rate', { rate: 1 }), await freePort());
    const answers = await Promise.all([1, 2].map(() => post(`${url}/logs`, PUSH)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 429]);
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('1');
  });
});

test('several Pipelines share a port by path; a path that is taken is said', async () => {
  const port = await freePort();
  const { url, worker } = await serve(phones('first'), port);
  await expect(serve(phones('second'), port)).rejects.toThrow(/the path \/logs belongs to the Pipeline default\/first/);
  const third = phones('third', { path: '/third' });
  await serve(third, port);
  expect((await post(`${url}/third`, PUSH)).status).toBe(200);
  workers.splice(workers.indexOf(worker), 1);
  await worker.stop();
  expect((await post(`${url}/logs`, PUSH)).status).toBe(404);
  expect((await post(`${url}/pipelines/third`, PUSH)).status).toBe(200);
  const page = await (await fetch(url)).text();
  expect(page).toContain('POST /third');
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
  expect(Object.keys(paths)).toEqual(['/pipelines/third', '/third']);
});

/** Sends these bytes and nothing more; resolves with the answer when the connection is closed. */
function raw(port: number, bytes: string, more?: () => string | null): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes);
      const pump = (): void => {
        for (let text = more?.() ?? null; text !== null; text = more?.() ?? null)
          if (!socket.write(text)) return void socket.once('drain', pump);
      };
      pump();
    });
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => undefined); // its end follows
    socket.on('close', () => resolve(answer));
  });
}

describe('an attacker gets an answer, or a closed connection, and no memory', () => {
  const HEAD = 'POST /logs HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';

  test('a gigabyte that is announced is refused before it is sent', async () => {
    const port = await freePort();
    await serve(phones('announced'), port);
    expect(await raw(port, `${HEAD}content-length: 1073741824\r\n\r\n{`)).toMatch(/^HTTP\/1.1 413 .*connection: close/is);
  });

  test('a gigabyte that is not announced, and one that is packed, are cut at the limit', async () => {
    const port = await freePort();
    const { url } = await serve(phones('endless'), port);
    const chunk = `${(65_536).toString(16)}\r\n${' '.repeat(65_536)}\r\n`;
    let sent = 0;
    let most = 0;
    const answer = await raw(port, `${HEAD}transfer-encoding: chunked\r\n\r\n`, () => {
      sent += 65_536;
      most = Math.max(most, heldBytes());
      return sent < 1_073_741_824 ? chunk : null;
    });
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(sent).toBeLessThan(1_073_741_824);
    expect(most).toBeLessThanOrEqual(1_048_576);
    const bomb = gzipSync(Buffer.alloc(268_435_456, ' '));
    expect((await post(`${url}/logs`, bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
    expect((await post(`${url}/logs`, gzipSync(bomb), { 'content-encoding': 'gzip, gzip' })).status).toBe(415);
    expect((await post(`${url}/logs`, '['.repeat(1_000_000))).status).toBe(400);
    expect((await post(`${url}/logs`, PUSH)).status).toBe(200);
  });

  test('who sends a header or a body drop by drop is cut off, and others are served meanwhile', async () => {
    const port = await freePort();
    const { url } = await serve(phones('loris'), port);
    const slow = [
      raw(port, 'POST /logs HTTP/1.1\r\nhost:'),
      raw(port, `${HEAD}content-length: 1000\r\n\r\n{`),
      ...Array.from({ length: 200 }, () => raw(port, 'POST')),
    ];
    expect((await post(`${url}/logs`, PUSH)).status).toBe(200);
    for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^$|^HTTP\/1.1 408 /);
  });

  test('bodies that are never ended count for all of the process', async () => {
    const port = await freePort();
    const { url } = await serve(phones('many', { maxBody: 16_777_216 }), port);
    const body = `{"a":"${' '.repeat(8_000_000)}`;
    const open = Array.from({ length: 5 }, () => raw(port, `${HEAD}content-length: 9000000\r\n\r\n${body}`));
    const answers = await Promise.race([Promise.any(open.map(async (one) => [await one])), Promise.all(open)]);
    expect(answers.some((answer) => /^HTTP\/1.1 503 .*retry-after: 1/is.test(answer))).toBe(true);
    expect(heldBytes()).toBeLessThanOrEqual(33_554_432);
    for (const answer of await Promise.all(open)) expect(answer).toMatch(/^$|^HTTP\/1.1 (408|503|400) /);
    expect((await post(`${url}/logs`, PUSH)).status).toBe(200);
  });
});

test('a request that is under way when it ends is answered, and the next one is not taken', async () => {
  const pipeline = phones('drain');
  const port = await freePort();
  const { url, worker } = await serve(pipeline, port);
  const answers = Array.from({ length: 50 }, () =>
    post(`${url}/logs`, PUSH).then(
      ({ status }) => status,
      () => 0,
    ),
  );
  await answers[0];
  workers.splice(workers.indexOf(worker), 1);
  await worker.stop();
  const codes = await Promise.all(answers);
  const records = (await recordsOf(kafka, namesOf(pipeline).raw)).flat();
  expect(records.length).toBeGreaterThanOrEqual(codes.filter((code) => code === 200).length);
  expect(codes.every((code) => [200, 503, 0].includes(code))).toBe(true);
  await expect(post(`${url}/logs`, PUSH)).rejects.toThrow();
});
