import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { identify } from './identity.ts';
import { type EmbeddedKafka, startKafka } from './kafka.ts';
import { freePorts } from './ports.ts';
import { hold } from './testing/hold.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'kafka-test-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

async function withAdmin<T>(kafka: EmbeddedKafka, work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  return work(admin).finally(() => admin.disconnect());
}

async function send(kafka: EmbeddedKafka, topic: string, value: string): Promise<void> {
  const producer = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING, retry: { retries: 3 } }).producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: [{ value }] }).finally(() => producer.disconnect());
}

async function endOffsets(kafka: EmbeddedKafka, topic: string): Promise<string[]> {
  return withAdmin(kafka, async (admin) => (await admin.fetchTopicOffsets(topic)).map(({ offset }) => offset));
}

describe('one node', () => {
  let kafka: EmbeddedKafka;
  beforeAll(async () => {
    kafka = await startKafka({ config: { 'message.max.bytes': '2000000' } });
  });
  afterAll(() => kafka.stop());

  test('what was acknowledged is there after SIGKILL and a start on the same port', async () => {
    await withAdmin(kafka, (admin) => admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }] }));
    await send(kafka, 'kept', 'acknowledged');
    const node = kafka.nodes[0];
    const before = node?.pid;
    node?.kill('SIGKILL');
    await node?.exited;
    await node?.start();
    expect(node?.pid).not.toBe(before);
    expect(await endOffsets(kafka, 'kept')).toEqual(['1']);
  });

  test('a misspelt topic is not created', async () => {
    await expect(send(kafka, 'mispelt', 'x')).rejects.toThrow('This server does not host this topic-partition');
    expect(await withAdmin(kafka, (admin) => admin.listTopics())).not.toContain('mispelt');
  });

  test('a running node is not started a second time', async () => {
    await expect(kafka.nodes[0]?.start()).rejects.toThrow('still runs as process');
  });
});

test('three nodes: a record is acknowledged while one of them is dead, and stop() ends frozen ones, too', {
  timeout: 90_000,
}, async () => {
  const kafka = await startKafka({ nodes: 3 });
  onTestFinished(() => kafka.stop());
  await withAdmin(kafka, (admin) => admin.createTopics({ waitForLeaders: false, topics: [{ topic: 'safe', numPartitions: 3 }] }));
  // Not by waitForLeaders, which gives up at the first broker that has not heard of the topic yet.
  const led = (): Promise<number> =>
    withAdmin(kafka, (admin) => admin.fetchTopicMetadata({ topics: ['safe'] })).then(
      ({ topics }) => topics[0]?.partitions.filter(({ leader }) => leader >= 0).length ?? 0,
      () => 0,
    );
  await expect.poll(led, { timeout: 30_000, interval: 100 }).toBe(3);
  kafka.nodes[2]?.kill('SIGKILL');
  await send(kafka, 'safe', 'acknowledged');
  // While leaders move, a broker may say that it is none.
  const acknowledged = (): Promise<number | string> =>
    endOffsets(kafka, 'safe').then(
      (offsets) => offsets.map(Number).reduce((sum, each) => sum + each),
      (error: Error) => error.message,
    );
  await expect.poll(acknowledged, { timeout: 30_000, interval: 100 }).toBe(1);
  kafka.nodes[1]?.kill('SIGSTOP');
  const pids = kafka.nodes.map(({ pid }) => pid);
  await kafka.stop();
  expect(pids.map(identify)).toEqual([undefined, undefined, undefined]);
});

test('a broker left over by a killed process is ended, and its data is taken over', { timeout: 60_000 }, async () => {
  const folder = join(scratch, 'orphan');
  const { holder, pid, kill } = await hold('kafka', folder);
  await expect(startKafka({ folder }), 'while its owner lives').rejects.toThrow(`is in use by process ${holder.pid}`);
  const clusterId = readFileSync(join(folder, 'cluster.json'), 'utf8');
  await kill();
  expect(identify(pid), 'the orphan').toBeDefined();
  const kafka = await startKafka({ folder });
  onTestFinished(() => kafka.stop());
  expect(identify(pid), 'the orphan').toBeUndefined();
  expect(readFileSync(join(folder, 'cluster.json'), 'utf8')).toBe(clusterId);
  await kafka.stop();
  await expect(startKafka({ folder, nodes: 3 })).rejects.toThrow('holds a Kafka cluster of 1 node(s)');
});

test('a temporary broker left over by a killed process is cleared away by the next start of anyone', {
  timeout: 60_000,
}, async () => {
  const env = { ...process.env, TMPDIR: join(scratch, 'tmp') };
  rmSync(env.TMPDIR, { recursive: true, force: true });
  mkdirSync(env.TMPDIR);
  const first = await hold('kafka', undefined, env);
  const [left] = readdirSync(env.TMPDIR);
  await first.kill();
  await hold('kafka', undefined, env);
  expect(identify(first.pid)).toBeUndefined();
  expect(existsSync(join(env.TMPDIR, String(left)))).toBe(false);
});

test('a broker that dies at its start is an error with its last words, and a taken port is named', async () => {
  const folder = join(scratch, 'broken');
  await expect(startKafka({ folder, config: { 'log.segment.bytes': '-7' } })).rejects.toThrow(
    /ended before it was ready.*log\.segment\.bytes/s,
  );
  const [port = 0] = await freePorts(1);
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  await expect(startKafka({ folder, ports: [port] })).rejects.toThrow(`Kafka cannot listen on 127.0.0.1:${port}`);
});

test('two starts on one folder at once: one runs, the other is refused', async () => {
  const folder = join(scratch, 'contended');
  const starts = await Promise.allSettled([startKafka({ folder }), startKafka({ folder })]);
  const running = starts.filter((start) => start.status === 'fulfilled');
  const refused = starts.filter((start) => start.status === 'rejected');
  await Promise.all(running.map(({ value }) => value.stop()));
  expect(running).toHaveLength(1);
  expect(String(refused[0]?.reason)).toContain('is in use by process');
});
