/** The servers under `millrace run`: given ones, or embedded ones with their data in the data folder. */
import { join } from 'node:path';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { startPostgres } from '@millrace/embedded/postgres.ts';
import { type Addresses, databaseOf, kafkaOf, type ServerOptions } from '../servers.ts';

export interface Platform {
  addresses: Addresses;
  embedded: { kafka: boolean; database: boolean };
  /** Stops what was started: the database, then Kafka. */
  stop(): Promise<void>;
}

/** @throws Error in a sentence where a server does not start; nothing is left running then */
export async function startPlatform(options: ServerOptions, dataFolder: string, say: (line: string) => void): Promise<Platform> {
  const kafka = kafkaOf(options);
  const databaseUrl = databaseOf(options);
  const [broker, server] = await Promise.allSettled([
    kafka ? null : startKafka({ folder: join(dataFolder, 'kafka'), say }),
    databaseUrl ? null : startPostgres({ folder: join(dataFolder, 'postgres') }),
  ]);
  const stop = async (): Promise<void> => {
    if (server.status === 'fulfilled') await server.value?.stop();
    if (broker.status === 'fulfilled') await broker.value?.stop();
  };
  if (broker.status === 'rejected' || server.status === 'rejected') {
    await stop();
    throw broker.status === 'rejected' ? broker.reason : (server as PromiseRejectedResult).reason;
  }
  const brokers = broker.value?.brokers;
  const url = databaseUrl ?? server.value?.url;
  const address = kafka ?? (brokers ? { brokers } : null);
  if (!address || !url) throw new Error('a server is neither given nor started');
  return {
    addresses: { kafka: address, databaseUrl: url },
    embedded: { kafka: !kafka, database: !databaseUrl },
    stop,
  };
}
