/**
 * The servers of a run: one broker and one database, the same for everything that is measured, in temporary folders.
 *
 * Every run of something that writes rows gets a database of its own, made by Millrace's set-up on this server, so that
 * nothing has to be cleared and each table is the one that set-up makes.
 */
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { quote } from '@millrace/core/database/identifier.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { LoadedPipeline } from '@millrace/core/spec/load.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { startPostgres } from '@millrace/embedded/postgres.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';

/** As a server that keeps what it committed: embedded ones for tests do without fsync. */
export const POSTGRES_CONFIG: Readonly<Record<string, string>> = {
  fsync: 'on',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  max_connections: '200',
  track_commit_timestamp: 'on',
};
const KAFKA_HEAP_MEGABYTES = 512;
/**
 * Kafka's own default. Embedded brokers are given up after 2 s, so that tests of faults go on sooner; a disk that is busy for
 * that long would be such a fault here, and everybody who reads or writes starts again from the last commit.
 */
const KAFKA_CONFIG: Readonly<Record<string, string>> = { 'broker.session.timeout.ms': '9000' };

export interface Database {
  url: string;
  pool: Pool;
  /** Removes the database; sessions that are left are ended. */
  drop(): Promise<void>;
}

export interface Servers {
  brokers: string[];
  kafka: Kafka;
  postgresVersion: string;
  /** A database that is ready for these Pipelines; their topics are made where they are missing. */
  database(pipelines: readonly LoadedPipeline[]): Promise<Database>;
  stop(): Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const log = pino({ level: 'silent' });
  const [broker, server] = await Promise.all([
    startKafka({ heapMegabytes: KAFKA_HEAP_MEGABYTES, config: { ...KAFKA_CONFIG } }),
    startPostgres({ config: { ...POSTGRES_CONFIG } }),
  ]);
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'bench', log });
  const control = connectDatabase({ url: server.url, applicationName: 'bench', max: 2, log });
  const { rows } = await control.query('SHOW server_version');
  let made = 0;
  return {
    brokers: broker.brokers,
    kafka,
    postgresVersion: String(rows[0].server_version),
    database: async (pipelines) => {
      made += 1;
      const name = `bench_${made}`;
      await control.query(`CREATE DATABASE ${quote(name)}`);
      await control.query('CHECKPOINT'); // what was written before is on the disk, and nobody's load any more
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      const pool = connectDatabase({ url: url.href, applicationName: 'bench', log });
      for (const { pipeline } of pipelines) await setupPipeline(pipeline, { kafka, database: pool, log });
      return {
        url: url.href,
        pool,
        drop: async () => {
          await pool.end();
          await control.query(`DROP DATABASE ${quote(name)} WITH (FORCE)`);
        },
      };
    },
    stop: async () => {
      await kafka.close();
      await control.end();
      await Promise.all([broker.stop(), server.stop()]);
    },
  };
}
