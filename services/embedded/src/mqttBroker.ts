/** An MQTT broker for a demo: the system's Mosquitto, or where it has none the npm package Aedes. */
import { join } from 'node:path';
import { type ChildPlan, endOrphan, readIfThere } from './child.ts';
import { ownFolder } from './folder.ts';
import { findMosquitto, startMosquitto } from './mosquitto.ts';
import { freePorts, isFree } from './ports.ts';
import { server } from './server.ts';

export interface MqttBroker {
  kind: 'Mosquitto' | 'Aedes';
  /** mqtt://127.0.0.1:port */
  url: string;
  /** Resolves when the process of the last start has ended. */
  readonly exited: Promise<void>;
  /** Starts it again after it ended, on the same port. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const script = join(import.meta.dirname, '../bin/aedes.ts');
const readyTimeoutMs = 60_000;
const endPatienceMs = 5_000;

/**
 * Starts one on 127.0.0.1, without TLS.
 * @param wish its port where that is free, else any other; null: any
 */
export async function startMqttBroker(
  folder: string,
  wish: number | null,
  { aedes = findMosquitto() === null } = {},
): Promise<MqttBroker> {
  const port = wish !== null && (await isFree(wish)) ? wish : Number((await freePorts(1))[0]);
  if (aedes) return startAedes(folder, port);
  return Object.assign(await startMosquitto({ folder, port }), { kind: 'Mosquitto' as const });
}

async function startAedes(path: string, port: number): Promise<MqttBroker> {
  const folder = await ownFolder('millrace-aedes', path, (left) => endOrphan(left, 'SIGTERM', endPatienceMs));
  const log = join(folder.path, 'aedes.log');
  const plan: ChildPlan = {
    name: `Aedes in ${folder.path}`,
    command: process.execPath,
    args: [script, String(port)],
    folder: folder.path,
    outFile: log,
    isReady: () => readIfThere(log).includes('listening'),
    readyTimeoutMs,
    logs: [log],
    lastSignal: 'SIGTERM',
  };
  const broker = server(plan, endPatienceMs);
  try {
    await broker.start();
  } catch (error) {
    await folder.close();
    throw error;
  }
  return Object.assign(broker, {
    kind: 'Aedes' as const,
    url: `mqtt://127.0.0.1:${port}`,
    stop: async () => {
      await broker.end();
      await folder.close();
    },
  });
}
