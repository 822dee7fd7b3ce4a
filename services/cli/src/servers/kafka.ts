/** What options and variables say of Kafka. */
import type { KafkaOptions } from '@millrace/core/kafka/connect.ts';
import { readPassword, readPem } from '@millrace/core/secretFile.ts';
import { UsageError } from '../usage.ts';
import { called, KAFKA_PASSWORD, type ServerOptions, variableOf } from './options.ts';

export type KafkaAddress = Omit<KafkaOptions, 'log' | 'clientId'>;
type Environment = Readonly<Record<string, string | undefined>>;

const MECHANISMS = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN'] as const;

/**
 * What the options say of Kafka; null where they name none. Files are looked at now, and read again for each connection.
 * @throws UsageError for an address, a file or a login that cannot be used
 */
export function kafkaOf(options: ServerOptions, env: Environment = process.env): KafkaAddress | null {
  if (options.kafka === undefined) return null;
  const brokers = options.kafka.split(',').map((broker) => broker.trim());
  for (const broker of brokers) {
    if (!/^(\[[0-9a-fA-F:]+\]|[^\s:/@[\]]+):\d{1,5}$/.test(broker))
      throw new UsageError(
        `${called('kafka')} names ${JSON.stringify(broker)}; allowed is host:port, several with commas between`,
      );
  }
  const tls = tlsOf(options, env);
  const sasl = loginOf(options, env);
  return { brokers, ...(tls ? { tls } : {}), ...(sasl ? { sasl } : {}) };
}

function tlsOf(options: ServerOptions, env: Environment): KafkaAddress['tls'] {
  const { kafkaCa, kafkaCert, kafkaKey } = options;
  if ((kafkaCert === undefined) !== (kafkaKey === undefined))
    throw new UsageError(`${called('kafkaCert')} and ${called('kafkaKey')} go together`);
  const files = { kafkaCa, kafkaCert, kafkaKey };
  const given = Object.values(files).some((file) => file !== undefined);
  const wanted = wantsTls(options, env);
  if (wanted === false && given)
    throw new UsageError(`${variableOf('kafkaTls')} is false, and certificates for Kafka are given; allowed is one of both`);
  if (!wanted && !given) return undefined;
  for (const [name, file] of Object.entries(files)) if (file !== undefined) usable(name as keyof typeof files, file, readPem);
  return () => ({
    ...(kafkaCa === undefined ? {} : { ca: readPem(kafkaCa) }),
    ...(kafkaCert === undefined ? {} : { cert: readPem(kafkaCert) }),
    ...(kafkaKey === undefined ? {} : { key: readPem(kafkaKey) }),
  });
}

function wantsTls(options: ServerOptions, env: Environment): boolean | undefined {
  if (options.kafkaTls !== undefined) return options.kafkaTls;
  const variable = variableOf('kafkaTls');
  const text = env[variable];
  if (text === undefined) return undefined;
  if (text !== 'true' && text !== 'false')
    throw new UsageError(`${variable} is ${JSON.stringify(text)}; allowed are true and false`);
  return text === 'true';
}

function loginOf(options: ServerOptions, env: Environment): KafkaAddress['sasl'] {
  const { kafkaUser: username, kafkaPasswordFile: file, kafkaSasl = MECHANISMS[0] } = options;
  const mechanism = MECHANISMS.find((name) => name === kafkaSasl);
  if (!mechanism)
    throw new UsageError(`${called('kafkaSasl')} is ${JSON.stringify(kafkaSasl)}; allowed are ${MECHANISMS.join(', ')}`);
  if (username === undefined) {
    if (file !== undefined)
      throw new UsageError(`${called('kafkaPasswordFile')} is ${file}, and ${called('kafkaUser')} is missing`);
    return undefined;
  }
  if (username === '') throw new UsageError(`${called('kafkaUser')} is empty; needed is a user's name`);
  if (file !== undefined) {
    usable('kafkaPasswordFile', file, readPassword);
    return () => ({ mechanism, username, password: readPassword(file) });
  }
  const password = env[KAFKA_PASSWORD];
  if (!password)
    throw new UsageError(
      `${called('kafkaUser')} is ${username}, which needs a password: ${called('kafkaPasswordFile')}, or ${KAFKA_PASSWORD}`,
    );
  return () => ({ mechanism, username, password });
}

/** @throws UsageError naming option and file where it cannot be read */
export function usable(option: keyof ServerOptions, file: string, read: (file: string) => string): void {
  try {
    read(file);
  } catch (error) {
    throw new UsageError(`${called(option)}: ${(error as Error).message}`, { cause: error });
  }
}
