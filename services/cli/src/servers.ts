/**
 * Which Kafka and which database a command uses: given ones (options or environment), or those of the `millrace run` that
 * has this data folder.
 *
 * Invariant: a password is never on a command line that this program makes; it goes to child processes by environment.
 */
import { readFileSync } from 'node:fs';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { describeDatabaseError, withoutPassword } from '@millrace/core/database/describe.ts';
import { connectKafka, type KafkaOptions } from '@millrace/core/kafka/connect.ts';
import type { Logger } from '@millrace/core/log.ts';
import { type Command, Option } from 'commander';
import { quietLog } from './log.ts';
import { readState } from './run/state.ts';
import type { Servers } from './status/collect.ts';
import { UsageError } from './usage.ts';

export type KafkaAddress = Omit<KafkaOptions, 'log' | 'clientId'>;

export interface Addresses {
  kafka: KafkaAddress;
  databaseUrl: string;
}

export interface ServerOptions {
  kafka?: string;
  kafkaTls?: boolean;
  kafkaCa?: string;
  kafkaCert?: string;
  kafkaKey?: string;
  kafkaUser?: string;
  kafkaSasl?: string;
  database?: string;
  data: string;
}

export const DATA_FOLDER = '.millrace/data';
const PASSWORD_VARIABLE = 'MILLRACE_KAFKA_PASSWORD';
const MECHANISMS = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN'] as const;

const OPTIONS: readonly (readonly [flags: string, description: string, variable: string])[] = [
  ['--kafka <host:port,…>', 'use this Kafka', 'MILLRACE_KAFKA'],
  ['--kafka-tls', 'connect to Kafka by TLS', 'MILLRACE_KAFKA_TLS'],
  ['--kafka-ca <file>', 'trust this CA certificate (PEM); includes --kafka-tls', 'MILLRACE_KAFKA_CA'],
  ['--kafka-cert <file>', 'client certificate (PEM), with --kafka-key', 'MILLRACE_KAFKA_CERT'],
  ['--kafka-key <file>', 'private key of the client certificate (PEM)', 'MILLRACE_KAFKA_KEY'],
  ['--kafka-user <name>', `log in to Kafka; the password is taken from ${PASSWORD_VARIABLE}`, 'MILLRACE_KAFKA_USER'],
  ['--database <url>', 'use this database: postgres://user:password@host:port/database', 'MILLRACE_DATABASE'],
];

/** Adds the options by which a command finds its servers. */
export function serverOptions(command: Command): Command {
  for (const [flags, description, variable] of OPTIONS) command.addOption(new Option(flags, description).env(variable));
  const sasl = new Option('--kafka-sasl <mechanism>', 'how to log in to Kafka').choices(MECHANISMS).env('MILLRACE_KAFKA_SASL');
  command.addOption(sasl.default(MECHANISMS[0]));
  return command.option('--data <folder>', 'folder of data and logs of `millrace run`', DATA_FOLDER);
}

/**
 * What the options say of Kafka; null where they name none.
 * @throws UsageError for an address, a file or a login that cannot be used
 */
export function kafkaOf(options: ServerOptions, env: NodeJS.ProcessEnv = process.env): KafkaAddress | null {
  if (options.kafka === undefined) return null;
  const brokers = options.kafka.split(',').map((broker) => broker.trim());
  for (const broker of brokers) {
    if (!/^(\[[0-9a-fA-F:]+\]|[^\s:/@[\]]+):\d{1,5}$/.test(broker))
      throw new UsageError(`--kafka names ${JSON.stringify(broker)}; allowed is host:port, several with commas between`);
  }
  const { kafkaCa, kafkaCert, kafkaKey, kafkaUser } = options;
  if ((kafkaCert === undefined) !== (kafkaKey === undefined)) throw new UsageError('--kafka-cert and --kafka-key go together');
  const tls = {
    ...(kafkaCa === undefined ? {} : { ca: pem('--kafka-ca', kafkaCa) }),
    ...(kafkaCert === undefined ? {} : { cert: pem('--kafka-cert', kafkaCert) }),
    ...(kafkaKey === undefined ? {} : { key: pem('--kafka-key', kafkaKey) }),
  };
  const wantsTls = options.kafkaTls === true || Object.keys(tls).length > 0;
  return { brokers, ...(wantsTls ? { tls } : {}), ...(kafkaUser === undefined ? {} : { sasl: login(options, kafkaUser, env) }) };
}

function login(options: ServerOptions, username: string, env: NodeJS.ProcessEnv): NonNullable<KafkaAddress['sasl']> {
  const password = env[PASSWORD_VARIABLE];
  if (!password)
    throw new UsageError(`--kafka-user ${username} needs a password in the environment variable ${PASSWORD_VARIABLE}`);
  const mechanism = MECHANISMS.find((name) => name === options.kafkaSasl) ?? MECHANISMS[0];
  return { mechanism, username, password };
}

function pem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${option} ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws UsageError where the URL is none of PostgreSQL's */
export function databaseOf({ database }: ServerOptions): string | null {
  if (database === undefined) return null;
  if (!/^postgres(ql)?:\/\//.test(database) || !URL.canParse(database))
    throw new UsageError(`--database is ${withoutPassword(database)}; allowed is postgres://user:password@host:port/database`);
  return database;
}

/**
 * The servers that the options name, or else those of the run that lives in the data folder.
 * @throws UsageError where there is neither
 */
export function addressesOf(options: ServerOptions): Addresses {
  const state = readState(options.data);
  const kafka = kafkaOf(options) ?? (state?.brokers ? { brokers: state.brokers } : null);
  const databaseUrl = databaseOf(options) ?? state?.databaseUrl ?? null;
  if (kafka && databaseUrl) return { kafka, databaseUrl };
  const missing = kafka ? 'database' : databaseUrl ? 'Kafka' : 'Kafka and no database';
  throw new UsageError(
    `no ${missing} is given, and no \`millrace run\` with its own is running in ${options.data}: start one there, or give --kafka and --database`,
  );
}

/** Connects, does the work, and closes the connections whatever happens. */
export async function withServers<T>(options: ServerOptions, work: (servers: Servers) => Promise<T>): Promise<T> {
  const servers = await connectServers(addressesOf(options), quietLog());
  try {
    return await work(servers);
  } finally {
    await closeServers(servers);
  }
}

/** The environment that gives a child process the same servers. */
export function environmentOf({ kafka, databaseUrl }: Addresses, options: ServerOptions): NodeJS.ProcessEnv {
  const { kafkaTls, kafkaCa, kafkaCert, kafkaKey, kafkaUser, kafkaSasl } = options;
  const values: Record<string, string | undefined> = {
    MILLRACE_KAFKA: kafka.brokers.join(','),
    MILLRACE_DATABASE: databaseUrl,
    MILLRACE_KAFKA_TLS: kafkaTls ? '1' : undefined,
    MILLRACE_KAFKA_CA: kafkaCa,
    MILLRACE_KAFKA_CERT: kafkaCert,
    MILLRACE_KAFKA_KEY: kafkaKey,
    MILLRACE_KAFKA_USER: kafkaUser,
    MILLRACE_KAFKA_SASL: kafkaSasl,
  };
  return { ...process.env, ...values };
}

/** Connects to both servers and makes sure that they answer. @throws Error that says which one does not, and why, within 12 s */
export async function connectServers({ kafka: address, databaseUrl }: Addresses, log: Logger): Promise<Servers> {
  const kafka = connectKafka({ ...address, clientId: 'millrace-cli', log });
  const database = connectDatabase({ url: databaseUrl, applicationName: 'millrace cli', max: 4, log });
  const [broker, server] = await Promise.allSettled([
    kafka.topic('millrace.any'), // rejects within 12 s, with a sentence
    database.query('SELECT 1').catch((cause: unknown) => {
      throw new Error(describeDatabaseError(cause, withoutPassword(databaseUrl)), { cause });
    }),
  ]);
  const failure = [broker, server].find((result) => result.status === 'rejected');
  if (failure) {
    await closeServers({ kafka, database });
    throw failure.reason;
  }
  return { kafka, database };
}

export async function closeServers({ kafka, database }: Servers): Promise<void> {
  await Promise.all([kafka.close(), database.end()]);
}
