import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { expect, test } from 'vitest';
import { findMosquitto } from './mosquitto.ts';
import { startMqttBroker } from './mqttBroker.ts';
import { freePorts } from './ports.ts';

const none = findMosquitto() === null;

test.each([['Aedes', true], ...(none ? [] : [['Mosquitto', false] as const])] as const)(
  '%s takes messages, on another port where the one it wants is taken',
  { timeout: 60_000 },
  async (kind, aedes) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-mqtt-broker-'));
    const [wish = 0] = await freePorts(1);
    const broker = await startMqttBroker(folder, wish, { aedes });
    try {
      expect([broker.kind, broker.url]).toEqual([kind, `mqtt://127.0.0.1:${wish}`]);
      const other = join(folder, 'other');
      const second = await startMqttBroker(other, wish, { aedes });
      expect(second.url).not.toBe(broker.url); // the port is taken
      await second.stop();
      const client = await connectAsync(broker.url, { clientId: 'test', clean: false, reconnectPeriod: 0 });
      const heard = new Promise<string>((resolve) => client.on('message', (_topic, payload) => resolve(String(payload))));
      await client.subscribeAsync('a/#', { qos: 1 });
      await client.publishAsync('a/b', 'text', { qos: 1 });
      expect(await heard).toBe('text');
      await client.endAsync(true);
    } finally {
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
