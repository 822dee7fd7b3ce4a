/**
 * A real Mosquitto (an MQTT broker) as a child process, for the demo and tests. It is the system's own (Debian: mosquitto): there
 * is none to fetch.
 *
 * Listens on 127.0.0.1 only, keeps its sessions and messages between starts on the same folder.
 */
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type ChildPlan, endOrphan, readIfThere } from './child.ts';
import { ownFolder } from './folder.ts';
import { type MosquittoListener, type MosquittoSettings, mosquittoConfig } from './mosquittoConfig.ts';
import { demandFree, freePorts } from './ports.ts';
import { type Server, server } from './server.ts';

export interface EmbeddedMosquitto {
  /** mqtt://127.0.0.1:port, or mqtts:// with TLS. */
  url: string;
  port: number;
  /** Holds its sessions and messages in `data`. */
  folder: string;
  /** What it has said since its last start. */
  log(): string;
  /** Of the last start. */
  pid: number;
  /** SIGHUP reads ACLs, passwords and certificates again; SIGKILL loses what came in its last second. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process of the last start has ended. */
  exited: Promise<void>;
  /** Starts it again after it ended, on the same port with the same data. Throws while it still runs. */
  start(): Promise<void>;
  /** Ends it, also a killed or frozen one, and removes a temporary folder. Safe to call twice. */
  stop(): Promise<void>;
}

export interface MosquittoOptions extends MosquittoListener {
  /** Default: a temporary one, which stop() removes. */
  folder?: string;
  /** Default: a free one. */
  port?: number;
  /** Over those of mosquittoConfig.ts. */
  settings?: MosquittoSettings;
  /** The whole configuration instead, which has a listener on this port. */
  config?(port: number, data: string): string;
}

const readyTimeoutMs = 60_000;
const endPatienceMs = 10_000;
/** Where Debian puts it, which is not in every user's PATH. */
const sbin = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

/** The Mosquitto of this system; null: it has none. */
export function findMosquitto(): string | null {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...sbin]) {
    const file = join(folder, 'mosquitto');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here: the next one.
    }
  }
  return null;
}

/** Starts a broker and resolves when it takes connections. Throws a sentence with the place and the last log lines. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<EmbeddedMosquitto> {
  const command = findMosquitto();
  if (command === null)
    throw new Error(
      'there is no mosquitto on this machine; on Debian or Ubuntu: apt-get install --no-install-recommends mosquitto',
    );
  const folder = await ownFolder('millrace-mosquitto', options.folder, (path) => endOrphan(path, 'SIGTERM', endPatienceMs));
  let broker: Server | undefined;
  const end = async () => {
    await broker?.end();
    await folder.close();
  };
  try {
    const port = options.port ?? Number((await freePorts(1))[0]);
    await demandFree(port, 'Mosquitto');
    const data = join(folder.path, 'data');
    const file = join(folder.path, 'mosquitto.conf');
    const log = join(folder.path, 'mosquitto.log');
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const config = options.config?.(port, data) ?? mosquittoConfig(port, data, options, options.settings ?? {});
    writeFileSync(file, config, { mode: 0o600 });
    const plan: ChildPlan = {
      name: `Mosquitto in ${folder.path}`,
      command,
      args: ['-c', file],
      folder: folder.path,
      outFile: log,
      isReady: () => /mosquitto version \S+ running/.test(readIfThere(log)),
      readyTimeoutMs,
      logs: [log],
      lastSignal: folder.temporary ? 'SIGKILL' : 'SIGTERM',
    };
    broker = server(plan, endPatienceMs);
    await broker.start();
    let stopping: Promise<void> | undefined;
    return Object.assign(broker, {
      url: `${options.tls ? 'mqtts' : 'mqtt'}://127.0.0.1:${port}`,
      port,
      folder: folder.path,
      log: () => readIfThere(log),
      stop: () => {
        stopping ??= end();
        return stopping;
      },
    });
  } catch (error) {
    await end();
    throw error;
  }
}
