/** By which options and variables a command is told its servers. A setting is one line in the table and one in `ServerOptions`. */
import { type Command, Option } from 'commander';

export interface ServerOptions {
  kafka?: string;
  kafkaTls?: boolean;
  kafkaCa?: string;
  kafkaCert?: string;
  kafkaKey?: string;
  kafkaUser?: string;
  kafkaPasswordFile?: string;
  kafkaSasl?: string;
  database?: string;
  databaseHost?: string;
  databasePort?: string;
  databaseName?: string;
  databaseUser?: string;
  databasePasswordFile?: string;
  databaseSslmode?: string;
  databaseCa?: string;
  data: string;
}

export const DATA_FOLDER = '.millrace/data';
/** Of a login to Kafka, where no file is named. */
export const KAFKA_PASSWORD = 'MILLRACE_KAFKA_PASSWORD';

/** The variable of an option is its name: `--kafka-ca` is MILLRACE_KAFKA_CA. */
const OPTIONS: readonly (readonly [flags: string, description: string])[] = [
  ['--kafka <host:port,…>', 'use this Kafka'],
  ['--kafka-ca <file>', 'trust these CA certificates (PEM); includes --kafka-tls'],
  ['--kafka-cert <file>', 'client certificate (PEM), with --kafka-key'],
  ['--kafka-key <file>', 'private key of the client certificate (PEM)'],
  ['--kafka-user <name>', `log in to Kafka, with the password of --kafka-password-file or of the variable ${KAFKA_PASSWORD}`],
  ['--kafka-password-file <file>', 'file with the password for Kafka; read anew for each connection'],
  ['--kafka-sasl <mechanism>', 'how to log in to Kafka: SCRAM-SHA-512 (default), SCRAM-SHA-256 or PLAIN'],
  ['--database <url>', 'use this database: postgres://user:password@host:port/database'],
  ['--database-host <name>', 'instead of a URL: host of the database'],
  ['--database-port <port>', 'its port; default: 5432'],
  ['--database-name <name>', 'its database'],
  ['--database-user <name>', 'its user'],
  ['--database-password-file <file>', 'file with the password for the database; read anew for each connection'],
  ['--database-sslmode <mode>', 'with --database-host: verify-full (default), verify-ca, require or disable'],
  ['--database-ca <file>', 'with --database-host: trust these CA certificates (PEM)'],
];

/** Of a flag such as `--kafka-ca <file>` or the name of an option such as `kafkaCa`. */
export function variableOf(option: string): string {
  const words = option.replace(/^--| .*$/g, '').replace(/[A-Z]/g, (letter) => `-${letter}`);
  return `MILLRACE_${words.replaceAll('-', '_').toUpperCase()}`;
}

/** What a person wrote, by both names that it has: `--kafka-ca (or MILLRACE_KAFKA_CA)`. */
export function called(option: keyof ServerOptions): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} (or ${variableOf(option)})`;
}

/** Adds the options by which a command finds its servers. */
export function serverOptions(command: Command): Command {
  add(command, OPTIONS);
  // Its variable is true or false, which an option without a value cannot be.
  command.option('--kafka-tls', `connect to Kafka by TLS (or ${variableOf('kafkaTls')}=true)`);
  return withData(command);
}

/** Adds the options by which a command finds its database, where it needs no Kafka. */
export function databaseOptions(command: Command): Command {
  return withData(
    add(
      command,
      OPTIONS.filter(([flags]) => flags.startsWith('--database')),
    ),
  );
}

function add(command: Command, options: typeof OPTIONS): Command {
  for (const [flags, description] of options) command.addOption(new Option(flags, description).env(variableOf(flags)));
  return command;
}

function withData(command: Command): Command {
  return command.option('--data <folder>', 'folder of data and logs of `millrace run`', DATA_FOLDER);
}

/** The variables that give a child process what these options say, and nothing else: the others are not set. */
export function variablesOf(options: ServerOptions): Record<string, string | undefined> {
  const { kafkaTls } = options;
  return {
    ...Object.fromEntries(OPTIONS.map(([flags]) => [variableOf(flags), options[nameOf(flags)] as string | undefined])),
    ...(kafkaTls === undefined ? {} : { [variableOf('kafkaTls')]: String(kafkaTls) }),
  };
}

/** `--kafka-ca <file>` is kafkaCa, as commander has it. */
function nameOf(flags: string): keyof ServerOptions {
  return new Option(flags).attributeName() as keyof ServerOptions;
}
