import { createServer, type Server } from 'node:net';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect, test, vi } from 'vitest';
import { mqttMetricsOf } from './metrics.ts';
import { Subscriber } from './subscriber.ts';

let server: Server | null = null;

afterEach(() => {
  vi.restoreAllMocks();
  server?.close();
});

test('a broker that takes long to refuse is not asked again and again after the shortest time', async () => {
  const port = await new Promise<number>((resolve) => {
    server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1', () => {
      const address = server?.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
  // Each look at the clock is 20 s after the one before.
  let nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 20_000));
  const failures: number[] = [];
  const subscriber = new Subscriber({
    pipeline: 'p',
    filters: ['#'],
    qos: 1,
    log: pino({}, { write: (line) => failures.push((JSON.parse(line) as { failures: number }).failures) }),
    metrics: mqttMetricsOf(new Registry()),
    connection: () => ({
      host: '127.0.0.1',
      port,
      tls: null,
      version: 'v5',
      clientId: 'c',
      receiveMaximum: 1,
      maxBytes: 1,
      onMessage: () => undefined,
    }),
  });
  await vi.waitUntil(() => failures.length >= 3, { timeout: 30_000 });
  clock.mockRestore();
  await subscriber.stop();
  expect(failures.slice(0, 3)).toEqual([1, 2, 3]);
});
