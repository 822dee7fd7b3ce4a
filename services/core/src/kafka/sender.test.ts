/** Contract of the sender against a real broker, through a proxy that loses answers. */
import { type FaultProxy, startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { guardTest } from '../testing/guardTest.ts';
import { Cluster } from './cluster.ts';
import { connectKafka } from './connect.ts';
import type { Kafka, OutRecord } from './kafka.ts';
import { KafkaSender } from './sender.ts';

const log = pino({ level: 'silent' });
let server: EmbeddedKafka;
let proxy: FaultProxy;
let kafka: Kafka;
let topic: string;
let topics = 0;

beforeAll(async () => {
  const [port] = (await freePorts(1)) as [number];
  proxy = await startFaultProxy(`127.0.0.1:${port}`);
  server = await startKafka({ ports: [port], config: { 'advertised.listeners': `PLAINTEXT://${proxy.address}` } });
  kafka = connectKafka({ brokers: [proxy.address], clientId: 'test', log });
});

afterAll(async () => {
  await proxy?.heal();
  await kafka?.close();
  await server?.stop();
  await proxy?.stop();
});

beforeEach(async () => {
  await proxy.heal();
  topic = `topic-${topics++}`;
  await kafka.createTopic({ name: topic, partitions: 2, config: {} });
});

const record = (text: string, bytes = 0): OutRecord => ({
  key: Buffer.from('k'),
  value: Buffer.from(text.padEnd(bytes)),
  headers: { origin: text },
});
const senderWith = (limits: { withinMs?: number; recordsPerProducer?: number }) =>
  new KafkaSender(new Cluster({ brokers: [proxy.address], clientId: 'test', log }), log, limits);
/** Whether what the client asked for was a Produce request: API key 0 after the length. */
const isProduce = (_answer: Buffer, request: Buffer) => request.length > 6 && request.readInt16BE(4) === 0;

async function stored(partition = 0): Promise<string[]> {
  const { end } = (await kafka.bounds(topic))[partition] ?? { end: 0 };
  const found: string[] = [];
  for await (const { value } of kafka.range(topic, partition, 0, end)) found.push(String(value).trim());
  return found;
}

describe('an acknowledged send', () => {
  test('answers where its first record stands, with key, value and headers as given', async () => {
    const sender = kafka.sender();
    expect(await sender.send(topic, 1, [record('a'), record('b')])).toEqual({ baseOffset: 0 });
    expect(await sender.send(topic, 1, [{ key: null, value: null, headers: {} }])).toEqual({ baseOffset: 2 });
    const found = [];
    for await (const one of kafka.range(topic, 1, 0, 9))
      found.push([String(one.key), String(one.value), String(one.headers.origin)]);
    expect(found).toEqual([
      ['k', 'a', 'a'],
      ['k', 'b', 'b'],
      ['null', 'null', 'undefined'],
    ]);
    await sender.close();
  });

  test('larger than a message may be, it is cut, in order; 4 MiB and 64 KiB pass where the topic takes them', async () => {
    await kafka.setTopicConfig(topic, { 'max.message.bytes': String(4 * 1_048_576 + 65_536 + 1_024) });
    const records = Array.from({ length: 30 }, (_, index) =>
      record(String(index), index === 7 ? 4 * 1_048_576 + 65_536 : 100_000),
    );
    const sender = kafka.sender();
    expect(await sender.send(topic, 0, records)).toEqual({ baseOffset: 0 });
    expect(await stored()).toEqual(records.map((_, index) => String(index)));
    await sender.close();
  });

  test('one record that the topic does not take is an error that names it, and the sender goes on', async () => {
    const sender = kafka.sender();
    await expect(sender.send(topic, 0, [record('a'), record('large', 1_100_000)])).rejects.toThrow(
      /record 1 of 2 .* the topic allows 1048588/,
    );
    await sender.send(topic, 0, [record('b')]);
    expect(await stored()).toEqual(['b']);
    await sender.close();
  });

  guardTest('sends side by side: a second one to a partition is acknowledged and not written', {
    scenario: async () => {
      const sender = kafka.sender();
      const sends = [0, 1, 0].map((partition, at) => sender.send(topic, partition, [record(String(at))]));
      const results = await Promise.allSettled(sends);
      await sender.close();
      return { results: results.map(({ status }) => status), stored: [await stored(0), await stored(1)] };
    },
    right: { results: ['fulfilled', 'fulfilled', 'rejected'], stored: [['0'], ['1']] },
    // Both have the same sequence number, and the broker keeps the one that it sees first.
    without: {
      'one-in-flight': { results: ['fulfilled', 'fulfilled', 'fulfilled'], stored: [[expect.stringMatching(/^[02]$/)], ['1']] },
    },
  });
});

describe('a send whose answer is lost', () => {
  test('is asked about again and stands in the log once', async () => {
    const sender = kafka.sender();
    await sender.send(topic, 0, [record('a')]);
    proxy.dropAnswers(isProduce);
    const sending = sender.send(topic, 0, [record('b'), record('c')]);
    await expect.poll(() => proxy.dropped()).toBeGreaterThan(1);
    await proxy.heal();
    expect(await sending).toEqual({ baseOffset: 1 });
    expect(await sender.send(topic, 0, [record('d')])).toEqual({ baseOffset: 3 });
    expect(await stored()).toEqual(['a', 'b', 'c', 'd']);
    await sender.close();
  });

  guardTest('for too long is rejected, and the next sends are not written, whatever their number of records', {
    scenario: async () => {
      const sender = senderWith({ withinMs: 1_200 });
      const send = (texts: readonly string[]) =>
        sender.send(
          topic,
          0,
          texts.map((text) => record(text)),
        );
      await send(['a']);
      const acknowledged: string[] = [];
      const said: unknown[] = [];
      for (const [lost, next] of [
        [['b'], ['c']],
        [
          ['d', 'e'],
          ['f', 'g', 'h'],
        ],
      ] as const) {
        proxy.dropAnswers(isProduce);
        const within = `did not take ${lost.length} records for ${topic}/0 within 1 s`;
        await send(lost).catch((error: Error) => error.message.includes(within) || said.push(error.message));
        await proxy.heal();
        await send(next).then(
          () => acknowledged.push(...next),
          (error: Error) => said.push(error.message),
        );
      }
      await sender.close();
      return { acknowledged, said, stored: await stored() };
    },
    right: { acknowledged: ['c', 'f', 'g', 'h'], said: [], stored: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] },
    without: {
      'new-producer': { acknowledged: ['c'], said: [expect.stringContaining('out of order')], stored: ['a', 'b', 'd', 'e'] },
    },
  });

  test('sends to other partitions that were under way are not hurt', async () => {
    // Each cut answer of the lost send takes the others' connection along: long enough for them to come through between.
    const sender = senderWith({ withinMs: 5_000 });
    await Promise.all([sender.send(topic, 0, [record('a')]), sender.send(topic, 1, [record('A')])]);
    proxy.dropAnswers((_answer, _request, { asked }) => asked.includes('poison'));
    const results = await Promise.allSettled([
      sender.send(topic, 0, [record('poison')]),
      (async () => {
        for (const text of ['B', 'C', 'D', 'E', 'F']) await sender.send(topic, 1, [record(text)]);
      })(),
    ]);
    await proxy.heal();
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    await sender.send(topic, 1, [record('G')]);
    expect(await stored(1)).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'G']);
    await sender.close();
  });

  test('a network that comes and goes loses nothing, doubles nothing and keeps the order', async () => {
    const sender = kafka.sender();
    const texts = Array.from({ length: 60 }, (_, index) => `${index}`);
    const faults = (async () => {
      for (let i = 0; i < 8; i++) {
        await new Promise((resolve) => setTimeout(resolve, 120));
        if (i % 4 === 0) proxy.cut();
        else if (i % 4 === 1) proxy.dropAnswers(isProduce);
        else if (i % 4 === 2) proxy.delay(60);
        else await proxy.refuse();
        await new Promise((resolve) => setTimeout(resolve, 120));
        await proxy.heal();
      }
    })();
    for (const text of texts) await sender.send(topic, 0, [record(text)]);
    await faults;
    expect(await stored()).toEqual(texts);
    await sender.close();
  });
});

describe('what the brokers know changes', () => {
  test('a partition that was added after the sender began is written to, not passed over', async () => {
    const sender = kafka.sender();
    await sender.send(topic, 0, [record('a')]);
    await kafka.addPartitions(topic, 4);
    expect(await sender.send(topic, 3, [record('b')])).toEqual({ baseOffset: 0 });
    expect(await stored(3)).toEqual(['b']);
    await sender.close();
  });

  test('a topic or partition that is not there is an error that says so', async () => {
    const sender = kafka.sender();
    await Promise.all([
      expect(sender.send('nowhere', 0, [record('a')])).rejects.toThrow(/nowhere/),
      expect(sender.send(topic, 9, [record('a')])).rejects.toThrow(`topic ${topic} has no partition 9`),
    ]);
    await sender.close();
  });

  test('a topic that was created again takes the next send', async () => {
    const sender = kafka.sender();
    await sender.send(topic, 0, [record('a')]);
    await kafka.deleteTopic(topic);
    await kafka.createTopic({ name: topic, partitions: 1, config: {} });
    expect(await sender.send(topic, 0, [record('b')])).toEqual({ baseOffset: 0 });
    await sender.close();
  });

  guardTest('what was meant for a topic that is deleted gets into its successor', {
    scenario: async () => {
      const sender = kafka.sender();
      const before = (await kafka.topic(topic))?.id ?? '';
      await sender.send(topic, 0, [record('a')], before);
      await kafka.deleteTopic(topic);
      const sending = sender.send(topic, 0, [record('b')], before).then(
        () => 'acknowledged',
        (error: Error) => error.message,
      );
      await kafka.createTopic({ name: topic, partitions: 1, config: {} });
      const said = await sending;
      await sender.send(topic, 0, [record('c')], (await kafka.topic(topic))?.id ?? '');
      await sender.close();
      return { said, stored: await stored() };
    },
    right: { said: expect.stringContaining('created again'), stored: ['c'] },
    without: { 'send-topic-id': { said: 'acknowledged', stored: ['b', 'c'] } },
  });

  test('the successor that the caller means takes its sends, also where the sender knew only the former one', async () => {
    const sender = kafka.sender();
    await sender.send(topic, 0, [record('a')]);
    await kafka.deleteTopic(topic);
    await kafka.createTopic({ name: topic, partitions: 1, config: {} });
    expect(await sender.send(topic, 0, [record('b')], (await kafka.topic(topic))?.id ?? '')).toEqual({ baseOffset: 0 });
    await sender.close();
  });

  test('a producer id is renewed before its sequence numbers end, without a gap', async () => {
    const sender = senderWith({ recordsPerProducer: 3 });
    for (const text of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await sender.send(topic, 0, [record(text)]);
    expect(await stored()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    await sender.close();
  });

  test('a sender that was closed rejects at once', async () => {
    const sender = kafka.sender();
    await sender.send(topic, 0, [record('a')]);
    await sender.close();
    await expect(sender.send(topic, 0, [record('b')])).rejects.toThrow('closed');
  });
});
