/** The one writer under a transactional id, on a real broker behind a proxy that loses answers. */
import { kafkaConversation } from '@millrace/embedded/answers.ts';
import { type FaultProxy, startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectKafka } from './connect.ts';
import type { Kafka, OutRecord } from './kafka.ts';

const log = pino({ level: 'silent' });
let broker: EmbeddedKafka;
let proxy: FaultProxy;
let kafka: Kafka;
let proxied: Kafka;

beforeAll(async () => {
  const [own, seen] = (await freePorts(2)) as [number, number];
  broker = await startKafka({ proxied: [{ port: own, as: seen }] });
  proxy = await startFaultProxy(`127.0.0.1:${own}`, seen, kafkaConversation);
  kafka = connectKafka({ brokers: broker.brokers, clientId: 'claim-test', log });
  proxied = connectKafka({ brokers: [proxy.address], clientId: 'claim-proxied', log });
}, 120_000);
afterAll(async () => {
  await Promise.all([kafka?.close(), proxied?.close()]);
  await proxy?.stop();
  await broker?.stop();
});

const record = (value: string): OutRecord => ({ key: Buffer.from('k'), value: Buffer.from(value), headers: {} });

async function topicOf(name: string): Promise<string> {
  await kafka.createTopic({ name, partitions: 2, config: { 'cleanup.policy': 'compact' } });
  return name;
}

/** What readers of what is committed see, over all partitions. */
async function valuesOf(topic: string): Promise<string[]> {
  const values: string[] = [];
  for (const [partition, { end }] of (await kafka.bounds(topic)).entries())
    for await (const { value } of kafka.range(topic, partition, 0, end)) values.push(String(value));
  return values;
}

test('records of several partitions come together, one transaction after the other', async () => {
  const topic = await topicOf('several');
  const claim = await kafka.claim('several');
  await claim.append(
    topic,
    new Map([
      [0, [record('a'), record('b')]],
      [1, [record('c')]],
    ]),
  );
  await claim.append(topic, new Map([[1, [record('d')]]]));
  await claim.append(topic, new Map());
  expect(claim.holds).toBe(true);
  expect(await valuesOf(topic)).toEqual(['a', 'b', 'c', 'd']);
  await claim.close();
});

test('whoever claims takes it from the one before, whose next append is refused, and is over for good', async () => {
  const topic = await topicOf('taken');
  const first = await kafka.claim('taken');
  await first.append(topic, new Map([[0, [record('a')]]]));
  const second = await kafka.claim('taken');
  await expect(first.append(topic, new Map([[0, [record('old')]]]))).rejects.toThrow(/old epoch/);
  expect([first.holds, second.holds]).toEqual([false, true]);
  await expect(first.append(topic, new Map([[0, [record('old')]]]))).rejects.toThrow('the claim to write to taken is over');
  await second.append(topic, new Map([[0, [record('b')]]]));
  expect(await valuesOf(topic)).toEqual(['a', 'b']);
  await Promise.all([first.close(), second.close()]);
});

test.each(['InitProducerId', 'AddPartitionsToTxn', 'Produce', 'EndTxn'])(
  'an answer to %s that is lost: it is asked again, and what was sent is there once',
  { timeout: 60_000 },
  async (request) => {
    const topic = await topicOf(`lost-${request.toLowerCase()}`);
    let lost = 0;
    proxy.dropAnswers((_answer, _asked, { answered }) => answered.some((one) => one.request === request) && lost++ < 2);
    try {
      const claim = await proxied.claim(topic);
      await claim.append(
        topic,
        new Map([
          [0, [record('a')]],
          [1, [record('b')]],
        ]),
      );
      await claim.append(topic, new Map([[0, [record('c')]]]));
      expect(lost).toBeGreaterThan(0);
      expect(await valuesOf(topic)).toEqual(['a', 'c', 'b']);
      await claim.close();
    } finally {
      proxy.passAnswers();
    }
  },
);

test('a record that is too large is refused before anything is sent, and the claim holds', async () => {
  const topic = await topicOf('large');
  const claim = await kafka.claim('large');
  await expect(claim.append(topic, new Map([[0, [record('x'.repeat(2_000_000))]]]))).rejects.toThrow(RangeError);
  await claim.append(topic, new Map([[0, [record('a')]]]));
  expect(await valuesOf(topic)).toEqual(['a']);
  await claim.close();
});
