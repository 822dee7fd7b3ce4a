/**
 * Which Kafka and which database a command uses: given ones (options or environment), or those of the `millrace run` that
 * has this data folder.
 *
 * Invariant: a password is never on a command line that this program makes; it goes to child processes by environment.
 */
import { connectDatabase, type DatabaseAddress } from '@millrace/core/database/connect.ts';
import { describeDatabaseError, withoutPassword } from '@millrace/core/database/describe.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { KafkaError } from '@millrace/core/kafka/errors.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Logger } from '@millrace/core/log.ts';
import type { Pool } from 'pg';
import { quietLog } from './log.ts';
import { readState } from './run/state.ts';
import { databaseOf } from './servers/database.ts';
import { type KafkaAddress, kafkaOf } from './servers/kafka.ts';
import { type ServerOptions, variablesOf } from './servers/options.ts';
import type { Servers } from './status/collect.ts';
import { UsageError } from './usage.ts';

export interface Addresses {
  kafka: KafkaAddress;
  database: DatabaseAddress;
}

/**
 * The servers that the options name, or else those of the run that lives in the data folder.
 * @throws UsageError where there is neither
 */
export function addressesOf(options: ServerOptions): Addresses {
  const state = readState(options.data);
  const kafka = kafkaOf(options) ?? (state?.brokers ? { brokers: state.brokers } : null);
  const database = databaseOf(options) ?? (state?.databaseUrl ? { url: state.databaseUrl } : null);
  if (kafka && database) return { kafka, database };
  const missing = kafka ? 'database' : database ? 'Kafka' : 'Kafka and no database';
  throw new UsageError(
    `no ${missing} is given, and no \`millrace run\` with its own is running in ${options.data}: start one there, or give --kafka and --database`,
  );
}

/** Connects, does the work, and closes the connections whatever happens. */
export async function withServers<T>(
  options: ServerOptions,
  work: (servers: Servers) => Promise<T>,
  log = quietLog(),
): Promise<T> {
  const servers = await connectServers(addressesOf(options), log);
  try {
    return await work(servers);
  } finally {
    await closeServers(servers);
  }
}

/**
 * For a command that needs no Kafka: the database that the options name, or that of the run that lives in the data folder.
 * @throws UsageError where there is neither; Error that says why it does not answer
 */
export async function withDatabase<T>(options: ServerOptions, work: (database: Pool) => Promise<T>): Promise<T> {
  const state = readState(options.data);
  const place = databaseOf(options) ?? (state?.databaseUrl ? { url: state.databaseUrl } : null);
  if (!place)
    throw new UsageError(
      `no database is given, and no \`millrace run\` with its own is running in ${options.data}: start one there, or give --database`,
    );
  const database = connectDatabase({ ...place, applicationName: 'millrace cli', max: 2, log: quietLog() });
  try {
    await answersSql(database, place);
    return await work(database);
  } finally {
    await database.end();
  }
}

/** The environment that gives a child process the same servers. */
export function environmentOf({ kafka, database }: Addresses, options: ServerOptions): NodeJS.ProcessEnv {
  const given = options.database !== undefined || options.databaseHost !== undefined;
  return {
    ...process.env,
    ...variablesOf({ ...options, kafka: kafka.brokers.join(','), ...(given ? {} : { database: database.url }) }),
  };
}

/** Connects to both servers and makes sure that they answer. @throws Error that says which one does not, and why, within 12 s */
export async function connectServers({ kafka: address, database: place }: Addresses, log: Logger): Promise<Servers> {
  const kafka = connectKafka({ ...address, clientId: 'millrace-cli', log });
  const database = connectDatabase({ ...place, applicationName: 'millrace cli', max: 4, log });
  const [broker, server] = await Promise.allSettled([
    answers(kafka), // rejects within 12 s, with a sentence
    answersSql(database, place),
  ]);
  const failure = [broker, server].find((result) => result.status === 'rejected');
  if (failure) {
    await closeServers({ kafka, database });
    throw failure.reason;
  }
  return { kafka, database };
}

async function answersSql(database: Pool, { url }: DatabaseAddress): Promise<void> {
  await database.query('SELECT 1').catch((cause: unknown) => {
    throw new Error(describeDatabaseError(cause, withoutPassword(url)), { cause });
  });
}

/** Asks for a topic that nobody has. A login that may not see it was let in, too. */
async function answers(kafka: Kafka): Promise<void> {
  await kafka.topic('millrace.any').catch((error: unknown) => {
    if (!(error instanceof KafkaError) || error.type !== 'TOPIC_AUTHORIZATION_FAILED') throw error;
  });
}

export async function closeServers({ kafka, database }: Servers): Promise<void> {
  await Promise.all([kafka.close(), database.end()]);
}
