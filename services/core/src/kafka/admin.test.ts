import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findJava } from '@millrace/embedded/java.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from './cluster.ts';
import { connectKafka } from './connect.ts';
import type { Kafka } from './kafka.ts';
import { KafkaReader } from './reader.ts';

const log = pino({ level: 'silent' });
let server: EmbeddedKafka;
let kafka: Kafka;
let saslPort: number;
let folder: string;
/** The broker's certificate, which signs itself. */
let certificate: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-tls-'));
  certificate = await makeCertificate(folder);
  const [plainPort, loginPort, controllerPort] = (await freePorts(3)) as [number, number, number];
  saslPort = loginPort;
  server = await startKafka({
    ports: [plainPort],
    config: {
      listeners: `PLAINTEXT://127.0.0.1:${plainPort},SASL_SSL://127.0.0.1:${loginPort},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${plainPort},SASL_SSL://127.0.0.1:${loginPort}`,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'ssl.keystore.location': join(folder, 'keystore.p12'),
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.password': 'for-tests',
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl_ssl.plain.sasl.jaas.config':
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_millrace="secret";',
    },
  });
  kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log });
});

afterAll(async () => {
  await kafka?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** By the keytool that comes with Java: a key and its certificate for 127.0.0.1. */
async function makeCertificate(where: string): Promise<string> {
  const { command } = await findJava();
  const keytool = command === 'java' ? 'keytool' : join(dirname(command), 'keytool');
  const store = ['-keystore', join(where, 'keystore.p12'), '-storetype', 'PKCS12', '-storepass', 'for-tests', '-alias', 'broker'];
  const run = promisify(execFile);
  await run(keytool, [
    '-genkeypair',
    ...store,
    '-keyalg',
    'EC',
    '-dname',
    'CN=broker',
    '-ext',
    'san=ip:127.0.0.1',
    '-validity',
    '2',
  ]);
  await run(keytool, ['-exportcert', '-rfc', ...store, '-file', join(where, 'broker.pem')]);
  return readFile(join(where, 'broker.pem'), 'utf8');
}

const topicOf = async (name: string, partitions = 1, config: Record<string, string> = {}) => {
  await kafka.createTopic({ name, partitions, config });
  return name;
};

describe('topics', () => {
  test('a topic that is not there is null, not an error and not created by asking', async () => {
    expect(await kafka.topic('nothing')).toBeNull();
    expect(await kafka.topic('nothing')).toBeNull();
  });

  test('creating twice says so, and the first one stays', async () => {
    expect(await kafka.createTopic({ name: 'twice', partitions: 2, config: {} })).toBe('created');
    const first = await kafka.topic('twice');
    expect(await kafka.createTopic({ name: 'twice', partitions: 5, config: {} })).toBe('exists');
    expect(await kafka.topic('twice')).toEqual(first);
    expect(first).toMatchObject({ partitions: 2, id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) });
  });

  test('a topic that was deleted and created again has another id', async () => {
    await topicOf('again');
    const before = await kafka.topic('again');
    await kafka.deleteTopic('again');
    expect(await kafka.topic('again')).toBeNull();
    await topicOf('again');
    const after = await kafka.topic('again');
    expect(after?.id).not.toBe(before?.id);
  });

  test('setting one setting leaves the others', async () => {
    await topicOf('settings', 1, { 'retention.ms': '12345', 'message.timestamp.type': 'LogAppendTime' });
    await kafka.setTopicConfig('settings', { 'max.message.bytes': '4259840' });
    // The controller has taken it by then; a broker shows it when it has read that far in the log of metadata.
    await expect
      .poll(() => kafka.topicConfig('settings'))
      .toMatchObject({ 'retention.ms': '12345', 'message.timestamp.type': 'LogAppendTime', 'max.message.bytes': '4259840' });
  });

  test('a setting that Kafka refuses is named in the error', async () => {
    await topicOf('refused');
    await expect(kafka.setTopicConfig('refused', { 'retention.ms': 'soon' })).rejects.toThrow(
      /retention\.ms.*soon|soon.*retention\.ms/,
    );
    await expect(kafka.createTopic({ name: 'bad name!', partitions: 1, config: {} })).rejects.toThrow(
      /did not create topic bad name!/,
    );
  });

  test('partitions are there when adding them has resolved', async () => {
    await topicOf('more', 1);
    await kafka.addPartitions('more', 4);
    expect((await kafka.bounds('more')).map(({ end }) => end)).toEqual([0, 0, 0, 0]);
  });
});

describe('committed offsets of a group without members', () => {
  test('come back with their metadata; what was never committed is absent', async () => {
    await topicOf('checkpoints', 3);
    expect(await kafka.committed('group', 'checkpoints')).toEqual(new Map());
    const metadata = JSON.stringify({ v: 1, note: 'ü'.repeat(1_000) });
    await kafka.commit('group', 'checkpoints', 0, { offset: 5, metadata: 'first' });
    await kafka.commit('group', 'checkpoints', 0, { offset: 7, metadata });
    await kafka.commit('group', 'checkpoints', 2, { offset: 0, metadata: '' });
    expect(await kafka.committed('group', 'checkpoints')).toEqual(
      new Map([
        [0, { offset: 7, metadata }],
        [2, { offset: 0, metadata: '' }],
      ]),
    );
  });

  test('of a topic that was deleted and created again are gone', async () => {
    await topicOf('forgotten');
    await kafka.commit('group', 'forgotten', 0, { offset: 5, metadata: '' });
    await kafka.deleteTopic('forgotten');
    await topicOf('forgotten');
    expect(await kafka.committed('group', 'forgotten')).toEqual(new Map());
  });

  test('metadata that Kafka does not take is an error, not a commit without it', async () => {
    await topicOf('long');
    await expect(kafka.commit('group', 'long', 0, { offset: 5, metadata: 'x'.repeat(5_000) })).rejects.toThrow(/metadata/);
    expect(await kafka.committed('group', 'long')).toEqual(new Map());
  });

  test('are kept for years, not for the 7 days that a group without members has by default', async () => {
    await topicOf('kept');
    await kafka.commit('keeper', 'kept', 0, { offset: 1, metadata: '' });
    // The broker keeps commits in a topic of its own; value version 1 is the one with a time of expiry, at its end.
    const [bounds] = await kafka.bounds('__consumer_offsets');
    const stored = (await Array.fromAsync(kafka.range('__consumer_offsets', 0, 0, bounds?.end ?? 0))).filter(
      ({ key, value }) => key?.includes('keeper') && value !== null && key.readInt16BE(0) === 1,
    );
    const value = stored.at(-1)?.value ?? Buffer.alloc(2);
    expect(value.readInt16BE(0)).toBe(1);
    expect(Number(value.readBigInt64BE(value.length - 8))).toBeGreaterThan(Date.now() + 50 * 365 * 86_400_000);
  });
});

describe('a range of records', () => {
  test('is exactly what was asked for, also across many answers, and ends at the end of the log', async () => {
    await topicOf('range', 2);
    const sender = kafka.sender();
    const value = (index: number) => Buffer.from(`${index}${'x'.repeat(2_000)}`);
    const records = Array.from({ length: 2_000 }, (_, index) => ({ key: null, value: value(index), headers: {} }));
    await sender.send('range', 1, records);
    await sender.close();
    const read = async (from: number, to: number) => {
      const found: number[] = [];
      for await (const record of kafka.range('range', 1, from, to)) {
        expect(record.value).toEqual(value(record.offset));
        found.push(record.offset);
      }
      return found;
    };
    expect(await read(1_999, 2_000)).toEqual([1_999]);
    expect(await read(3, 1_500)).toEqual(Array.from({ length: 1_497 }, (_, index) => index + 3));
    expect(await read(1_990, 5_000)).toHaveLength(10);
    expect(await read(5, 5)).toEqual([]);
    await expect(read(2_001, 2_005)).rejects.toThrow(/offset 2001 of range\/1/);
  });
});

describe('a login over TLS', () => {
  const connect = (options: { password?: string; tls?: { ca: string } | Record<string, never> } = {}) =>
    connectKafka({
      brokers: [`127.0.0.1:${saslPort}`],
      clientId: 'test',
      log,
      tls: () => options.tls ?? { ca: certificate },
      sasl: () => ({ mechanism: 'PLAIN', username: 'millrace', password: options.password ?? 'secret' }),
    });

  test('that is right works for every kind of call', async () => {
    const client = connect();
    await client.createTopic({ name: 'login', partitions: 1, config: {} });
    const sender = client.sender();
    await sender.send('login', 0, [{ key: null, value: Buffer.from('a'), headers: {} }]);
    const ranged: string[] = [];
    for await (const record of client.range('login', 0, 0, 1)) ranged.push(String(record.value));
    const read: string[] = [];
    const reader = await client.read({
      group: 'login',
      topic: 'login',
      load: async () => ({ next: null, bookmark: null, topicId: null }),
      handle: async ({ records, commit, next }) => {
        read.push(...records.map(({ value }) => String(value)));
        await commit(next, '');
      },
      notice: () => {},
    });
    await expect.poll(() => [ranged, read], { timeout: 10_000 }).toEqual([['a'], ['a']]);
    await reader.close();
    await client.close();
  });

  test('with a wrong password is an error at once that names brokers and reason', async () => {
    const client = connect({ password: 'wrong' });
    await expect(client.topic('x')).rejects.toThrow(
      new RegExp(
        `Kafka at 127.0.0.1:${saslPort} did not describe topic x: .*the login of user millrace was refused: .*Authentication failed`,
      ),
    );
    const sending = client.sender().send('login', 0, [{ key: null, value: null, headers: {} }]);
    await expect(sending).rejects.toThrow(/Authentication failed/);
    await client.close();
  });

  test('to a broker whose certificate is not trusted is an error that says so', async () => {
    const client = connect({ tls: {} });
    await expect(client.topic('x')).rejects.toThrow(/certificate/);
    await client.close();
  });

  test('a reader whose login is withdrawn says that it can do no more', async () => {
    const options = { mechanism: 'PLAIN' as const, username: 'millrace', password: 'wrong' };
    const cluster = new Cluster({
      brokers: [`127.0.0.1:${saslPort}`],
      clientId: 'test',
      log,
      tls: () => ({ ca: certificate }),
      sasl: () => options,
    });
    const nothing = {
      load: async () => ({ next: null, bookmark: null, topicId: null }),
      handle: async () => {},
      notice: () => {},
    };
    const reader = new KafkaReader(
      { group: 'withdrawn', topic: 'login', ...nothing },
      cluster,
      { bytes: () => 1, slots: () => 1 },
      log,
    );
    expect((await reader.failed).message).toMatch(/group withdrawn: .*Authentication failed/);
    await reader.close();
  });
});

describe('a broker that is not there', () => {
  test.concurrent('nobody listens: an error that names it, in bounded time', async () => {
    const [port] = await freePorts(1);
    const client = connectKafka({ brokers: [`127.0.0.1:${port}`], clientId: 'test', log });
    await expect(client.topic('x')).rejects.toThrow(
      `Kafka at 127.0.0.1:${port} did not describe topic x within 12 s: Connection error: connect ECONNREFUSED`,
    );
    await client.close();
  });

  test.concurrent('something listens that never answers: the same', async () => {
    const sockets: { destroy(): void }[] = [];
    const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const { port } = mute.address() as { port: number };
    const client = connectKafka({ brokers: [`127.0.0.1:${port}`], clientId: 'test', log });
    await expect(client.topic('x')).rejects.toThrow(/did not describe topic x within 12 s/);
    await client.close();
    for (const socket of sockets) socket.destroy();
    mute.close();
  });

  test.each(['localhost', 'http://localhost:9092', 'localhost:9092/x', ''])(
    'an address that is none (%j) is refused with what is allowed',
    (broker) => {
      expect(() => connectKafka({ brokers: [broker], clientId: 'test', log })).toThrow('allowed is host:port');
    },
  );
});
