/**
 * The servers under `millrace run`: given ones, or embedded ones with their data in the data folder, which are started
 * again when they end unasked.
 */
import { join } from 'node:path';
import type { Logger } from '@millrace/core/log.ts';
import { type KeptWorker, keepRunning } from '@millrace/core/role/keepRunning.ts';
import { DEFAULT_MQTT_PORT } from '@millrace/core/spec/defaults.ts';
import { orLeftOut } from '../leftOut.ts';
import { databaseOf } from '../servers/database.ts';
import { kafkaOf } from '../servers/kafka.ts';
import type { ServerOptions } from '../servers/options.ts';
import type { Addresses } from '../servers.ts';

/** For `--mqtt-broker`: one is started. */
export const OWN_BROKER = 'own';

export interface Platform {
  addresses: Addresses;
  embedded: { kafka: boolean; database: boolean };
  /** That was started; null: none was asked for. */
  mqttBroker: { kind: string; url: string } | null;
  /** Stops what was started: the MQTT broker, the database, then Kafka. */
  stop(): Promise<void>;
}

export interface PlatformOptions {
  servers: ServerOptions;
  /** What an MQTT broker of its own listens on; 'any': any port. null: there is to be none. */
  mqttPort: 'usual' | 'any' | null;
  dataFolder: string;
  say(line: string): void;
  log: Logger;
}

/** @throws Error in a sentence where a server does not start; nothing is left running then */
export async function startPlatform({ servers, mqttPort, dataFolder, say, log }: PlatformOptions): Promise<Platform> {
  const kafka = kafkaOf(servers);
  const database = databaseOf(servers);
  const own = [
    ...(kafka ? [] : ['Kafka']),
    ...(database ? [] : ['PostgreSQL']),
    ...(mqttPort === null ? [] : ['an MQTT broker']),
  ];
  const start = own.length > 0 ? await embedded() : null;
  if (start) say(`starting ${new Intl.ListFormat('en-GB').format(own)}`);
  const [broker, server, mqtt] = await Promise.allSettled([
    kafka || !start ? null : start.startKafka({ folder: join(dataFolder, 'kafka'), say }),
    database || !start ? null : start.startPostgres({ folder: join(dataFolder, 'postgres') }),
    mqttPort === null || !start
      ? null
      : start.startMqttBroker(join(dataFolder, 'mqtt'), mqttPort === 'usual' ? DEFAULT_MQTT_PORT : null),
  ]);
  const kept: KeptWorker[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(kept.map((one) => one.stop()));
    if (mqtt.status === 'fulfilled') await mqtt.value?.stop();
    if (server.status === 'fulfilled') await server.value?.stop();
    if (broker.status === 'fulfilled') await broker.value?.stop();
  };
  if (broker.status === 'rejected' || server.status === 'rejected' || mqtt.status === 'rejected') {
    await stop();
    throw [broker, server, mqtt].find((result) => result.status === 'rejected')?.reason;
  }
  for (const node of broker.value?.nodes ?? []) kept.push(keepServer('Kafka', node, say, log));
  if (server.value) kept.push(keepServer('PostgreSQL', server.value, say, log));
  if (mqtt.value) kept.push(keepServer('the MQTT broker', mqtt.value, say, log));
  const brokers = broker.value?.brokers;
  const url = server.value?.url;
  const address = kafka ?? (brokers ? { brokers } : null);
  const place = database ?? (url ? { url: url } : null);
  if (!address || !place) throw new Error('a server is neither given nor started');
  return {
    addresses: { kafka: address, database: place },
    embedded: { kafka: !kafka, database: !database },
    mqttBroker: mqtt.value,
    stop,
  };
}

async function embedded() {
  const [{ startKafka }, { startPostgres }, { startMqttBroker }] = await orLeftOut(
    Promise.all([
      import('@millrace/embedded/kafka.ts'),
      import('@millrace/embedded/postgres.ts'),
      import('@millrace/embedded/mqttBroker.ts'),
    ]),
    'an image has no servers to start: give some by --kafka and --database',
  );
  return { startKafka, startPostgres, startMqttBroker };
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
