/**
 * 20,000 messages of QoS 1 on their way to the table while the producer is killed, the MQTT broker starts again, and Kafka is away for
 * half a minute: each is stored, and once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedMosquitto, findMosquitto, startMosquitto } from '@millrace/embedded/mosquitto.ts';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, describe, expect, test } from 'vitest';
import { type Platform, removeFolder, startPlatform } from './platform.ts';

const MESSAGES = 20_000;
const PER_SECOND = 400;
const DEVICES = 50;
const OUTAGE_MS = 30_000;
const START_MS = Date.UTC(2026, 0, 1);
const none = findMosquitto() === null;

const yamlOf = (url: string): string => `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: bridged }
spec:
  source: { mqtt: { url: "${url}", topics: [tele/+/reading] } }
  topics: { partitions: 4 }
  record:
    key: device
    time: { field: at }
    fields:
      device: { type: text, from: $topic.2, required: true }
      n: { type: int, required: true }
  table: { name: bridged, unique: { columns: [device, n, time], keep: first } }
`;

let broker: EmbeddedMosquitto | undefined;
let platform: Platform | undefined;
let publisher: MqttClient | undefined;

afterAll(async () => {
  await publisher?.endAsync(true);
  await platform?.stop();
  await broker?.stop();
});

/** Publishes all at a rate; resolves when the broker has acknowledged each. `sent` counts those that were begun. */
function publishAll(client: MqttClient, count: { sent: number }): Promise<void> {
  const publish = async (): Promise<void> => {
    const acknowledged: Promise<unknown>[] = [];
    const fromMs = performance.now();
    while (count.sent < MESSAGES) {
      const due = Math.min(MESSAGES, ((performance.now() - fromMs) / 1_000) * PER_SECOND);
      for (; count.sent < due; count.sent++) {
        const at = new Date(START_MS + count.sent).toISOString();
        const payload = JSON.stringify({ at, n: count.sent });
        acknowledged.push(client.publishAsync(`tele/d${count.sent % DEVICES}/reading`, payload, { qos: 1 }));
      }
      await sleep(50);
    }
    await Promise.all(acknowledged);
  };
  return publish();
}

describe.skipIf(none)(`messages of QoS 1${none ? ' (skipped: needs mosquitto)' : ''}`, () => {
  test('are stored, each once, whatever is killed on their way', { timeout: 420_000 }, async () => {
    broker = await startMosquitto();
    const { url } = broker;
    platform = await startPlatform(yamlOf(url));
    const { kafka, database, kill, logged, broker: servers } = platform;
    await expect.poll(() => logged('producer', 0), { timeout: 60_000 }).toContain('"msg":"subscribed"');
    publisher = await connectAsync(url, { clientId: 'devices', reconnectPeriod: 200 });
    const count = { sent: 0 };
    const published = publishAll(publisher, count);
    const untilSent = (n: number): Promise<void> => expect.poll(() => count.sent, { timeout: 120_000 }).toBeGreaterThanOrEqual(n);

    await untilSent(1_500);
    await kill('producer');
    await untilSent(3_000);
    broker.kill('SIGTERM');
    await broker.exited;
    await broker.start();
    await untilSent(5_000);
    const [node] = servers.nodes;
    if (!node) throw new Error('no Kafka');
    node.kill('SIGKILL');
    await node.exited;
    const endMs = performance.now() + OUTAGE_MS;
    await untilSent(count.sent + 2_000);
    await kill('producer'); // while Kafka is away
    await sleep(Math.max(0, endMs - performance.now()));
    await node.start();
    await untilSent(18_500);
    await kill('producer');
    await published;

    const stored = async (): Promise<number> => {
      const { rows } = await database.query('SELECT count(*)::int AS n FROM "default".bridged');
      return rows[0].n;
    };
    await expect.poll(stored, { timeout: 150_000, interval: 500 }).toBe(MESSAGES);
    const { rows } = await database.query(
      `SELECT count(DISTINCT n)::int AS different, min(n)::int AS first, max(n)::int AS last,
              count(*) FILTER (WHERE device <> 'd' || n % ${DEVICES})::int AS mixed FROM "default".bridged`,
    );
    expect(rows).toEqual([{ different: MESSAGES, first: 0, last: MESSAGES - 1, mixed: 0 }]);
    const raw = (await kafka.bounds('default.bridged.raw')).reduce((sum, { start, end }) => sum + end - start, 0);
    const refused = (await kafka.bounds('default.bridged.dlq')).reduce((sum, { start, end }) => sum + end - start, 0);
    expect(raw, 'nothing came twice: the kills hit nothing').toBeGreaterThan(MESSAGES);
    expect(refused).toBe(0);
    removeFolder(platform);
  });
});
