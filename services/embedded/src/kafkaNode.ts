/** One Kafka node: a folder with settings and data, and the process that serves it. */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildPlan } from './child.ts';
import { hasStarted } from './kafkaHome.ts';
import { server } from './server.ts';

export interface KafkaNode {
  id: number;
  /** Holds the node's logs in `data`. */
  folder: string;
  /** Of the last start. */
  pid: number;
  /** Signals the process of the last start; nothing happens when it has ended. SIGSTOP and SIGCONT freeze and thaw it. */
  kill(signal: NodeJS.Signals): void;
  /** Starts the node again after it ended, on the same port with the same data. Throws while it still runs. */
  start(): Promise<void>;
  /** Resolves when the process of the last start has ended. */
  exited: Promise<void>;
}

/** A node and its end, which only the cluster decides. */
export interface OwnedKafkaNode extends KafkaNode {
  end(): Promise<void>;
}

const readyTimeoutMs = 120_000;
/** Three nodes that end at once wait for each other: 6 s measured. */
const endPatienceMs = 12_000;

/** Makes a node's folder ready to start; its data stays, its settings are written anew. */
export function format(folder: string, metaProperties: string, serverProperties: string, bootstrapCheckpoint: string): void {
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(folder, 'server.properties'), serverProperties);
  if (existsSync(join(data, 'meta.properties'))) return;
  copyFileSync(bootstrapCheckpoint, join(data, 'bootstrap.checkpoint'));
  writeFileSync(join(data, 'meta.properties.new'), metaProperties);
  renameSync(join(data, 'meta.properties.new'), join(data, 'meta.properties'));
}

/** A node that is not started yet, on a formatted folder. A temporary one is killed instead of ended in order. */
export function kafkaNode(id: number, folder: string, java: string, javaArgs: string[], temporary: boolean): OwnedKafkaNode {
  const log = join(folder, 'broker.log');
  const plan: ChildPlan = {
    name: `Kafka node ${id} in ${folder}`,
    command: java,
    args: [...javaArgs, 'kafka.Kafka', join(folder, 'server.properties')],
    folder,
    outFile: join(folder, 'broker.out'),
    isReady: () => hasStarted(log),
    readyTimeoutMs,
    logs: [log, join(folder, 'broker.out')],
    lastSignal: temporary ? 'SIGKILL' : 'SIGTERM',
  };
  const keepFormerLog = (): void => {
    rmSync(`${log}.1`, { force: true });
    if (existsSync(log)) renameSync(log, `${log}.1`);
  };
  return Object.assign(server(plan, endPatienceMs, keepFormerLog), { id, folder });
}
