/**
 * The servers under `millrace run`: given ones, or embedded ones with their data in the data folder, which are started
 * again when they end unasked.
 */
import { join } from 'node:path';
import type { Logger } from '@millrace/core/log.ts';
import { type KeptWorker, keepRunning } from '@millrace/core/role/keepRunning.ts';
import { orLeftOut } from '../leftOut.ts';
import { databaseOf } from '../servers/database.ts';
import { kafkaOf } from '../servers/kafka.ts';
import type { ServerOptions } from '../servers/options.ts';
import type { Addresses } from '../servers.ts';

export interface Platform {
  addresses: Addresses;
  embedded: { kafka: boolean; database: boolean };
  /** Stops what was started: the database, then Kafka. */
  stop(): Promise<void>;
}

export interface PlatformOptions {
  servers: ServerOptions;
  dataFolder: string;
  say(line: string): void;
  log: Logger;
}

/** @throws Error in a sentence where a server does not start; nothing is left running then */
export async function startPlatform({ servers, dataFolder, say, log }: PlatformOptions): Promise<Platform> {
  const kafka = kafkaOf(servers);
  const database = databaseOf(servers);
  const own = [...(kafka ? [] : ['Kafka']), ...(database ? [] : ['PostgreSQL'])];
  const start = own.length > 0 ? await embedded() : null;
  if (start) say(`starting ${own.join(' and ')}`);
  const [broker, server] = await Promise.allSettled([
    kafka || !start ? null : start.startKafka({ folder: join(dataFolder, 'kafka'), say }),
    database || !start ? null : start.startPostgres({ folder: join(dataFolder, 'postgres') }),
  ]);
  const kept: KeptWorker[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(kept.map((one) => one.stop()));
    if (server.status === 'fulfilled') await server.value?.stop();
    if (broker.status === 'fulfilled') await broker.value?.stop();
  };
  if (broker.status === 'rejected' || server.status === 'rejected') {
    await stop();
    throw broker.status === 'rejected' ? broker.reason : (server as PromiseRejectedResult).reason;
  }
  for (const node of broker.value?.nodes ?? []) kept.push(keepServer('Kafka', node, say, log));
  if (server.value) kept.push(keepServer('PostgreSQL', server.value, say, log));
  const brokers = broker.value?.brokers;
  const url = server.value?.url;
  const address = kafka ?? (brokers ? { brokers } : null);
  const place = database ?? (url ? { url: url } : null);
  if (!address || !place) throw new Error('a server is neither given nor started');
  return {
    addresses: { kafka: address, database: place },
    embedded: { kafka: !kafka, database: !database },
    stop,
  };
}

async function embedded() {
  const [{ startKafka }, { startPostgres }] = await orLeftOut(
    Promise.all([import('@millrace/embedded/kafka.ts'), import('@millrace/embedded/postgres.ts')]),
    'an image has no servers to start: give some by --kafka and --database',
  );
  return { startKafka, startPostgres };
}

interface EmbeddedServer {
  start(): Promise<void>;
  /** Of the last start. */
  readonly exited: Promise<void>;
}

/** Starts a server, which runs already, again whenever it ended. Stopping that does not stop the server. */
function keepServer(name: string, server: EmbeddedServer, say: (line: string) => void, log: Logger): KeptWorker {
  let started = true;
  return keepRunning(async () => {
    if (!started) {
      await server.start();
      say(`${name} runs again`);
    }
    started = false;
    let stopping = false;
    const failed = server.exited.then(() => {
      if (stopping) return new Promise<never>(() => undefined); // asked for: not a failure
      say(`${name} ended; it is started again`);
      return new Error(`${name} ended`);
    });
    return {
      health: () => ({ ready: true, phase: 'running', state: 'running' }),
      failed,
      stop: async () => {
        stopping = true;
      },
    };
  }, log);
}
