/** The servers of a platform: brokers, database, and the proxies in front of them that all traffic of the roles takes. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaConversation, postgresConversation } from '@millrace/embedded/answers.ts';
import { type FaultProxy, startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { mountSmallDisk, type SmallDisk } from './smallDisk.ts';

export interface ServerOptions {
  /** Default 1. */
  brokers?: 1 | 3;
  /** Puts a proxy before each broker and before the database. */
  proxied?: boolean;
  /** Puts the database on a disk of its own that can be filled, where this machine lets us mount one. */
  smallDisk?: boolean;
}

export interface Servers {
  broker: EmbeddedKafka;
  server: EmbeddedPostgres;
  proxies: Proxies | null;
  /** Under the database; null: not asked for, or not to be had. */
  disk: SmallDisk | null;
  /** For the roles: through the proxies where there are some. */
  env: { MILLRACE_KAFKA: string; MILLRACE_DATABASE: string };
  stop(): Promise<void>;
}

/** They see the roles' traffic, not the brokers' own nor the test's. */
export interface Proxies {
  /** By node, in the order of `broker.nodes`. */
  kafka: FaultProxy[];
  postgres: FaultProxy;
}

const SMALL_DISK_MEGABYTES = 512;

/** @param folder for what the servers need beside their own temporary folders */
export async function startServers(folder: string, options: ServerOptions): Promise<Servers> {
  const { brokers = 1, proxied = false, smallDisk = false } = options;
  const disk = smallDisk ? await mountSmallDisk(join(folder, 'disk'), SMALL_DISK_MEGABYTES) : null;
  const listeners = proxied ? await freePorts(brokers) : [];
  const kafkaProxies = await Promise.all(listeners.map((port) => startFaultProxy(`127.0.0.1:${port}`, 0, kafkaConversation)));
  const [broker, server] = await Promise.all([
    startKafka({
      nodes: brokers,
      heapMegabytes: brokers === 3 ? 160 : 256,
      ...(proxied && { proxied: kafkaProxies.map(({ port: as }, node) => ({ port: Number(listeners[node]), as })) }),
    }),
    startPostgres(disk === null ? {} : databaseOn(disk)),
  ]);
  const url = new URL(server.url);
  const proxies = proxied ? { kafka: kafkaProxies, postgres: await startFaultProxy(url.host, 0, postgresConversation) } : null;
  if (proxies !== null) url.host = proxies.postgres.address;
  const addresses = proxies?.kafka.map(({ address }) => address) ?? broker.brokers;
  return {
    broker,
    server,
    proxies,
    disk,
    env: { MILLRACE_KAFKA: addresses.join(','), MILLRACE_DATABASE: url.href },
    stop: async () => {
      await Promise.all([broker.stop(), server.stop()]);
      await Promise.all([...kafkaProxies, ...(proxies === null ? [] : [proxies.postgres])].map((proxy) => proxy.stop()));
      await disk?.unmount();
    },
  };
}

/** A killed process loses nothing without fsync; a small log of changes leaves room for rows. */
function databaseOn(disk: SmallDisk): Parameters<typeof startPostgres>[0] {
  const folder = join(disk.path, 'postgres');
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  return { folder, config: { fsync: 'off', max_wal_size: '64MB', min_wal_size: '32MB' } };
}
