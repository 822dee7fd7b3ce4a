/** What comes of messages, on a real Mosquitto and a real Kafka. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeClient } from '@millrace/bootstrap/certificates.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Mqtt } from '@millrace/core/spec/source.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedMosquitto, findMosquitto, startMosquitto } from '@millrace/embedded/mosquitto.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { BROKER_USERS } from '@millrace/identity/mosquitto.ts';
import { startBroker } from '@millrace/identity/testing/broker.ts';
import { connectAsync, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hashKey } from '../send/key.ts';
import { createTopic, pipelineOf, recordsOf, until, untilState } from '../testing/pipeline.ts';
import { mqtt } from './mqtt.ts';

const log = pino({ level: 'silent' });
const none = findMosquitto() === null;
const VERSIONS = ['v3.1.1', 'v5'] as const;
const WAIT_MS = 60_000;
const TWO = '[{"device":"x"},{"device":"y"}]';

let server: EmbeddedKafka;
let kafka: Kafka;
let broker: EmbeddedMosquitto;
let publisher: MqttClient;
const workers = new Set<Worker>();

describe.skipIf(none)(`a source of MQTT${none ? ' (skipped: needs mosquitto)' : ''}`, { timeout: 120_000 }, () => {
  beforeAll(async () => {
    [server, broker] = await Promise.all([startKafka({ heapMegabytes: 128 }), startMosquitto()]);
    kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log });
    publisher = await connectAsync(broker.url, { clientId: 'publisher' });
  }, 120_000);
  afterEach(async () => {
    await Promise.all([...workers].map(stop));
  });
  afterAll(async () => {
    await publisher?.endAsync(true);
    await kafka?.close();
    await Promise.all([server?.stop(), broker?.stop()]);
  });

  const pipelineWith = (name: string, source: Partial<Mqtt> = {}): Pipeline =>
    pipelineOf(
      name,
      { mqtt: { url: broker.url, topics: [`${name}/+/tele/#`], ...source } },
      { record: { fields: { device: { type: 'text', from: ['device', '$topic.2'] } } } },
    );
  const start = async (
    pipeline: Pipeline,
    more: { secrets?: string; instance?: string; metrics?: Registry } = {},
  ): Promise<Worker> => {
    await createTopic(kafka, pipeline);
    const { metrics = new Registry(), secrets = null, instance = 'a' } = more;
    const http = { host: '127.0.0.1', port: 0, secrets };
    const worker = await mqtt.start(pipeline, { kafka, log, metrics, baseFolder: '/', http, instance });
    workers.add(worker);
    return worker;
  };
  const stop = async (worker: Worker): Promise<void> => {
    workers.delete(worker);
    await worker.stop();
  };
  const recordsIn = async (pipeline: Pipeline): Promise<KafkaRecord[]> => (await recordsOf(kafka, namesOf(pipeline).raw)).flat();
  const untilRecords = (pipeline: Pipeline, count: number): Promise<KafkaRecord[]> =>
    until(async () => {
      const records = await recordsIn(pipeline);
      return records.length >= count ? records : null;
    }, WAIT_MS);
  const recordsTotal = async (metrics: Registry): Promise<number> => {
    const { values } = (await metrics.getSingleMetric('millrace_producer_records_total')?.get()) ?? { values: [] };
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  const texts = (records: readonly KafkaRecord[]): string[] => records.map(({ value }) => String(value)).sort();

  test.each(VERSIONS.flatMap((version) => ([0, 1] as const).map((qos) => [version, qos] as const)))(
    '%s, QoS %i: what the filters match is in Kafka, byte by byte, under its device',
    async (version, qos) => {
      const name = `plain-${version.replaceAll('.', '')}-${qos}`;
      const pipeline = pipelineWith(name, { version, qos, topics: [`${name}/+/tele/#`, `${name}/other`] });
      await untilState(await start(pipeline), 'taking');
      const bytes = Buffer.from([0x00, 0xff, 0xfe, 0xc3, 0x28, 0x0a]);
      const send = (topic: string, payload: Buffer | string) => publisher.publishAsync(`${name}/${topic}`, payload, { qos });
      await send('d1/tele/J1/raw', bytes);
      await send('d1/stat/J1', 'not asked for');
      await send('d1/tele', '');
      await send('d2/tele/é', '{"device":"of the payload"}');
      await send('other', TWO);
      const records = await untilRecords(pipeline, 4);
      const found = records.map(({ key, value, headers }) => ({
        topic: String(headers['mqtt-topic']).slice(name.length + 1),
        key: String(key),
        hex: value?.toString('hex'),
        source: String(headers.source),
      }));
      const hex = (text: string): string => Buffer.from(text).toString('hex');
      expect(found.sort((a, b) => (a.topic < b.topic ? -1 : 1))).toEqual([
        { topic: 'd1/tele', key: 'd1', hex: '', source: 'mqtt' },
        { topic: 'd1/tele/J1/raw', key: 'd1', hex: bytes.toString('hex'), source: 'mqtt' },
        { topic: 'd2/tele/é', key: 'of the payload', hex: hex('{"device":"of the payload"}'), source: 'mqtt' },
        { topic: 'other', key: String(hashKey(Buffer.from(TWO))), hex: hex(TWO), source: 'mqtt' },
      ]);
      for (const { headers } of records) expect(String(headers['received-at'])).toMatch(/^\d{13}$/);
    },
  );

  test.each(VERSIONS)(
    '%s: what is published while it is down, and while the broker starts again, comes afterwards',
    async (version) => {
      const name = `session-${version.replaceAll('.', '')}`;
      const pipeline = pipelineWith(name, { version });
      const first = await start(pipeline);
      await untilState(first, 'taking');
      await publisher.publishAsync(`${name}/d/tele/a`, 'up', { qos: 1 });
      await untilRecords(pipeline, 1);
      await stop(first);
      await publisher.publishAsync(`${name}/d/tele/a`, 'down', { qos: 1 });
      broker.kill('SIGTERM');
      await broker.exited;
      const second = await start(pipeline);
      await untilState(second, 'waiting for the MQTT broker: connect ECONNREFUSED');
      expect(second.health().ready).toBe(false);
      await broker.start();
      await publisher.publishAsync(`${name}/d/tele/a`, 'again', { qos: 1 });
      expect(texts(await untilRecords(pipeline, 3))).toEqual(['again', 'down', 'up']);
      await untilState(second, 'taking');
    },
  );

  test('a broker that forgot the session is told, since what was published meanwhile is lost', async () => {
    const [port = 0] = await freePorts(1);
    const own = await startMosquitto({ port, settings: { persistence: 'false' } });
    try {
      const metrics = new Registry();
      const worker = await start(pipelineWith('forgotten', { url: own.url }), { metrics });
      const lost = async (): Promise<string> => metrics.getSingleMetricAsString('millrace_producer_mqtt_sessions_lost_total');
      await untilState(worker, 'taking');
      expect(await lost()).not.toMatch(/ 1$/m);
      own.kill('SIGTERM');
      await own.exited;
      await untilState(worker, 'waiting for the MQTT broker');
      await own.start();
      await untilState(worker, 'taking');
      expect(await lost()).toMatch(/ 1$/m);
    } finally {
      await own.stop();
    }
  });

  test.each(VERSIONS)('%s: two producers share the messages, each message once', async (version) => {
    const name = `shared-${version.replaceAll('.', '')}`;
    const pipeline = pipelineWith(name, { version, shared: 'bridges' });
    const both = [await start(pipeline, { instance: 'a' }), await start(pipeline, { instance: 'b' })];
    await Promise.all(both.map((worker) => untilState(worker, 'taking')));
    const wanted = Array.from({ length: 200 }, (_, n) => String(1_000 + n));
    await Promise.all(wanted.map((n) => publisher.publishAsync(`${name}/d/tele/a`, n, { qos: 1 })));
    expect(texts(await untilRecords(pipeline, wanted.length))).toEqual(wanted);
    for (const worker of both) expect(worker.health().state).toMatch(/^taking: [1-9]\d* records$/);
  });

  test('with mutual TLS it comes in by its certificate, and not without one', async () => {
    const secured = await startBroker();
    const folder = mkdtempSync(join(tmpdir(), 'millrace-mqtt-'));
    const secret = (name: string, files: Record<string, string>): void => {
      mkdirSync(join(folder, name));
      for (const [key, text] of Object.entries(files)) writeFileSync(join(folder, name, key), text);
    };
    try {
      const own = await makeClient(secured.root, BROKER_USERS.producer, new Date());
      secret('own', { 'ca.crt': secured.root.certificate, 'tls.crt': own.certificate, 'tls.key': own.key });
      secret('nobody', { 'ca.crt': secured.root.certificate });
      const url = `mqtts://localhost:${secured.platformPort}`;
      const of = (name: string): Pipeline => pipelineWith(name, { url, topics: ['tele/#'], tls: { secretRef: { name } } });
      const worker = await start(of('own'), { secrets: folder });
      const refused = await start(of('nobody'), { secrets: folder });
      await untilState(worker, 'taking');
      const device = await secured.connect(await secured.device('f2-01'));
      await device.publishAsync('tele/f2-01/io/J1/door', 'open', { qos: 1 });
      expect(texts(await untilRecords(of('own'), 1))).toEqual(['open']);
      await untilState(refused, 'waiting for the MQTT broker: ');
      await until(() => (/asked yet/.test(refused.health().state) ? null : true));
      expect(refused.health().state).toMatch(/certificate required|closed the connection|ECONNRESET|EPIPE|not allowed/);
      await expect(start(of('missing'), { secrets: folder })).rejects.toThrow(/missing\/ca\.crt cannot be read: no such file/);
      await expect(start(of('own'))).rejects.toThrow(/no folder of Secrets is given; give it by --secrets/);
    } finally {
      await Promise.all([...workers].map(stop));
      await secured.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a wrong password is said, and nobody is let in by it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-mqtt-'));
    mkdirSync(join(folder, 'login'));
    writeFileSync(join(folder, 'login', 'username'), 'me\n');
    writeFileSync(join(folder, 'login', 'password'), 'wrong\n');
    writeFileSync(join(folder, 'passwords'), '');
    const own = await startMosquitto({ passwords: join(folder, 'passwords') });
    try {
      for (const version of VERSIONS) {
        const name = `login-${version.replaceAll('.', '')}`;
        const source = { url: own.url, version, auth: { secretRef: { name: 'login' } } };
        const worker = await start(pipelineWith(name, source), { secrets: folder });
        const state = await untilState(worker, 'waiting for the MQTT broker: the broker refuses the connection');
        expect(state).toMatch(/not allowed to|password is wrong/);
        expect(state).not.toContain('wrong\n');
        await stop(worker);
      }
    } finally {
      await own.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('what is too large becomes a record that says so, and its neighbours come through', async () => {
    const pipeline = pipelineWith('large');
    await untilState(await start(pipeline), 'taking');
    const large = Buffer.alloc(5_000_000, 'x');
    for (const payload of ['before', large, 'after']) await publisher.publishAsync('large/d/tele/a', payload, { qos: 1 });
    const records = await untilRecords(pipeline, 3);
    expect(records.map(({ value, headers }) => [value?.length, headers.unreadable === undefined])).toEqual([
      [6, true],
      [65_536, false],
      [5, true],
    ]);
    expect(String(records[1]?.headers['original-length'])).toBe('5000000');
  });

  test('a push of the phone app is a record as it came, under its phone', async () => {
    const push = readFileSync(new URL('../../../../examples/phone-sensors/push.json', import.meta.url));
    const source = { mqtt: { url: broker.url, topics: ['phones'] } };
    const record = { decode: 'sensor-logger', fields: { device: { type: 'text', from: 'deviceId' } } };
    const pipeline = pipelineOf('phones', source, { record });
    await untilState(await start(pipeline), 'taking');
    await publisher.publishAsync('phones', push, { qos: 1 });
    const [found] = await untilRecords(pipeline, 1);
    expect(found?.value?.equals(push)).toBe(true);
    expect(String(found?.key)).toBe('8b5937fb-2160-4825-ba40-4bc646f93839');
  });

  test('one that ends in the middle of a stream has acknowledged what is in Kafka, and its successor gets the rest', async () => {
    const pipeline = pipelineWith('drained');
    const first = await start(pipeline);
    await untilState(first, 'taking');
    const wanted = Array.from({ length: 3_000 }, (_, n) => String(10_000 + n));
    const published = Promise.all(wanted.map((n) => publisher.publishAsync('drained/d/tele/a', n, { qos: 1 })));
    await untilRecords(pipeline, 100);
    await stop(first);
    const before = await recordsIn(pipeline);
    await published;
    const second = await start(pipeline);
    const all = await until(async () => {
      const records = await recordsIn(pipeline);
      return new Set(texts(records)).size === wanted.length ? records : null;
    }, WAIT_MS);
    expect([...new Set(texts(all))]).toEqual(wanted);
    expect(all, 'what was acknowledged came again').toHaveLength(wanted.length);
    await untilState(second, `taking: ${wanted.length - before.length} records`);
  });

  test.each(VERSIONS)(
    '%s: while Kafka does not answer nothing is acknowledged and little is held; then all of it comes',
    async (version) => {
      const name = `away-${version.replaceAll('.', '')}`;
      const pipeline = pipelineWith(name, { version });
      const metrics = new Registry();
      const worker = await start(pipeline, { metrics });
      await untilState(worker, 'taking');
      const [node] = server.nodes;
      if (!node) throw new Error('no Kafka');
      node.kill('SIGSTOP');
      try {
        const payload = (n: number): Buffer => Buffer.concat([Buffer.from(String(100 + n)), Buffer.alloc(100_000, 'x')]);
        await Promise.all(
          Array.from({ length: 200 }, (_, n) => publisher.publishAsync(`${name}/d/tele/a`, payload(n), { qos: 1 })),
        );
        await untilState(worker, 'waiting for Kafka: ');
        expect(worker.health().ready).toBe(false);
        expect(await recordsTotal(metrics)).toBe(0);
      } finally {
        node.kill('SIGCONT');
      }
      const found = new Set((await untilRecords(pipeline, 200)).map(({ value }) => String(value?.subarray(0, 3))));
      expect(found.size).toBe(200);
      await untilState(worker, 'taking');
    },
  );

  test('what a broker retains comes once, with the subscription', async () => {
    await publisher.publishAsync('retained/d/tele/a', 'old', { qos: 1, retain: true });
    const pipeline = pipelineWith('retained');
    const first = await start(pipeline);
    await untilRecords(pipeline, 1);
    await stop(first);
    await untilState(await start(pipeline), 'taking');
    await publisher.publishAsync('retained/d/tele/b', 'new', { qos: 1 });
    expect(texts(await untilRecords(pipeline, 2))).toEqual(['new', 'old']);
  });
});
