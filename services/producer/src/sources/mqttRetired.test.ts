/** What the broker keeps for producers of a shared subscription that are no more, on a real Mosquitto and a real Kafka. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedMosquitto, findMosquitto, startMosquitto } from '@millrace/embedded/mosquitto.ts';
import { connect, connectAsync, type IConnackPacket, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RetiredPace } from '../mqtt/retired.ts';
import { createTopic, pipelineOf, recordsOf, until, untilState } from '../testing/pipeline.ts';
import { mqttSource } from './mqtt.ts';

const SCRIPT = fileURLToPath(new URL('../testing/run.ts', import.meta.url));
const WAIT_MS = 90_000;
const VERSIONS = ['v3.1.1', 'v5'] as const;
const NEVER: RetiredPace = { first: 3_600_000, again: 3_600_000, rest: 3_600_000, quiet: 1 };
const AT_ONCE: RetiredPace = { first: 0, again: 200, rest: 1_000, quiet: 200 };
/** Client identifiers of sessions that were emptied. */
const emptied: string[] = [];
const log = pino(
  { level: 'info' },
  {
    write: (line) => {
      const { msg, clientId } = JSON.parse(line) as { msg: string; clientId: string };
      if (msg.startsWith('took what the broker kept')) emptied.push(clientId);
    },
  },
);
const none = findMosquitto() === null;

let server: EmbeddedKafka;
let kafka: Kafka;
let broker: EmbeddedMosquitto;
let publisher: MqttClient;
const workers = new Set<Worker>();
const children = new Set<ChildProcess>();

describe.skipIf(none)(
  `fewer producers of a shared subscription${none ? ' (skipped: needs mosquitto)' : ''}`,
  {
    timeout: 240_000,
  },
  () => {
    beforeAll(async () => {
      [server, broker] = await Promise.all([startKafka({ heapMegabytes: 128 }), startMosquitto()]);
      kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log });
      publisher = await connectAsync(broker.url, { clientId: 'publisher' });
    }, 120_000);
    afterEach(async () => {
      for (const child of children) child.kill('SIGKILL');
      children.clear();
      await Promise.all([...workers].map(stop));
    });
    afterAll(async () => {
      await publisher?.endAsync(true);
      await kafka?.close();
      await Promise.all([server?.stop(), broker?.stop()]);
    });

    const pipelineWith = (name: string, version: (typeof VERSIONS)[number], producers: number): Pipeline => {
      const made = pipelineOf(name, { mqtt: { url: broker.url, topics: [`${name}/+/tele`], shared: 'bridges', version } });
      return { ...made, spec: { ...made.spec, scale: { producers } } };
    };
    const start = async (pipeline: Pipeline, ordinal: number, pace: RetiredPace): Promise<Worker> => {
      const context = { kafka, log, metrics: new Registry(), baseFolder: '/' };
      const worker = await mqttSource(pace).start(pipeline, { ...context, ordinal });
      workers.add(worker);
      await untilState(worker, 'taking');
      return worker;
    };
    const stop = async (worker: Worker): Promise<void> => {
      workers.delete(worker);
      await worker.stop();
    };
    /** Three producers that have subscribed, and are gone in order. */
    const retire = async (name: string, version: (typeof VERSIONS)[number]): Promise<void> => {
      const pipeline = pipelineWith(name, version, 3);
      await createTopic(kafka, pipeline);
      const three = await Promise.all([0, 1, 2].map((ordinal) => start(pipeline, ordinal, NEVER)));
      await publish(name, 0, 300);
      await untilValues(pipeline, 0, 300);
      for (const worker of three) expect(worker.health().state).toMatch(/^taking: [1-9]/);
      await Promise.all(three.map(stop));
    };
    const textOf = (n: number): string => String(100_000 + n);
    const publish = async (name: string, from: number, to: number): Promise<void> => {
      const numbers = Array.from({ length: to - from }, (_, n) => from + n);
      await Promise.all(numbers.map((n) => publisher.publishAsync(`${name}/d${n % 7}/tele`, textOf(n), { qos: 1 })));
    };
    const countOf = async (pipeline: Pipeline): Promise<number> =>
      (await kafka.bounds(namesOf(pipeline).raw)).reduce((sum, { start: from, end }) => sum + end - from, 0);
    const valuesOf = async (pipeline: Pipeline): Promise<string[]> =>
      (await recordsOf(kafka, namesOf(pipeline).raw)).flat().map(({ value }) => String(value));
    /** Each of the messages once or more, and no other. */
    const untilValues = async (pipeline: Pipeline, from: number, to: number): Promise<string[]> => {
      const wanted = Array.from({ length: to - from }, (_, n) => textOf(from + n));
      let found: string[] = [];
      await until(async () => {
        if ((await countOf(pipeline)) < wanted.length) return null;
        found = await valuesOf(pipeline);
        return new Set(found).size >= wanted.length ? true : null;
      }, WAIT_MS).catch(() => {
        throw new Error(`${new Set(found).size} of ${wanted.length} messages are in Kafka`);
      });
      expect([...new Set(found)].sort()).toEqual(wanted);
      return found;
    };
    const isKept = async (clientId: string): Promise<boolean> => {
      // It ends no session by looking at it.
      const properties = { sessionExpiryInterval: 0xffff_ffff };
      const client = connect(broker.url, { clientId, clean: false, protocolVersion: 5, properties });
      const { sessionPresent } = await new Promise<IConnackPacket>((resolve) => client.once('connect', resolve));
      await client.endAsync(true);
      return sessionPresent;
    };

    test.each(VERSIONS)('%s: what waits for those that are no more comes, and no more waits for them', async (version) => {
      const name = `fewer-${version.replaceAll('.', '')}`;
      await retire(name, version);
      // More than a broker sends before something is acknowledged.
      for (let n = 300; n < 6_300; n += 2_000) await publish(name, n, n + 2_000);
      const one = pipelineWith(name, version, 1);
      await start(one, 0, { ...AT_ONCE, rest: 3_600_000 });
      await publish(name, 6_300, 6_400);
      const all = await untilValues(one, 0, 6_400);
      expect(all, 'nobody was killed, and some came twice').toHaveLength(6_400);
      const retired = [1, 2].map((ordinal) => `millrace.default.${name}.${ordinal}`);
      await until(() => (retired.every((clientId) => emptied.includes(clientId)) ? true : null), WAIT_MS);
      if (version === 'v5') for (const clientId of retired) expect(await isKept(clientId)).toBe(false);
      // None of them has a share any more.
      await publish(name, 6_400, 6_700);
      await untilValues(one, 0, 6_700);
    });

    test.each(VERSIONS)('%s: who empties their sessions is killed, and nothing is lost', async (version) => {
      const name = `killed-${version.replaceAll('.', '')}`;
      await retire(name, version);
      let total = 300;
      const more = async (): Promise<void> => {
        for (const to = total + 4_000; total < to; total += 2_000) await publish(name, total, total + 2_000);
      };
      await more();
      const one = pipelineWith(name, version, 1);
      const run = (): ChildProcess => {
        const env = { ...process.env, ORDINAL: '0' };
        const child = spawn(process.execPath, [SCRIPT, JSON.stringify(one), '/', ...server.brokers], { env, stdio: 'ignore' });
        children.add(child);
        return child;
      };
      for (let kills = 0; kills < 3; kills++) {
        await more();
        const before = await countOf(one);
        const child = run();
        await until(async () => ((await countOf(one)) > before ? true : null), WAIT_MS);
        child.kill('SIGKILL');
        await once(child, 'exit');
        children.delete(child);
      }
      expect(new Set(await valuesOf(one)).size, 'it was killed too late to show anything').toBeLessThan(total);
      run();
      await untilValues(one, 0, total);
    });

    test('the first one of as many as there may be ends like any other', async () => {
      const pipeline = pipelineWith('most', 'v5', 16);
      await createTopic(kafka, pipeline);
      await stop(await start(pipeline, 0, AT_ONCE));
    });

    test.each(VERSIONS)('%s: one that lives all the same keeps on, and nothing is lost by the quarrel', async (version) => {
      const name = `alive-${version.replaceAll('.', '')}`;
      await createTopic(kafka, pipelineWith(name, version, 2));
      const living = await start(pipelineWith(name, version, 2), 1, NEVER);
      await start(pipelineWith(name, version, 1), 0, AT_ONCE);
      for (let n = 0; n < 2_000; n += 100) {
        await publish(name, n, n + 100);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await untilValues(pipelineWith(name, version, 1), 0, 2_000);
      await untilState(living, 'taking');
    });
  },
);
