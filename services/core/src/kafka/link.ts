/**
 * One broker's connections: one for fetches, which wait at the broker, and one for everything else, which must not wait
 * behind them (a broker answers the requests of one connection one after the other).
 *
 * Invariant: a link is never reconnected. kafkajs keeps the half-read response of the old connection in its buffer, so a
 * link whose connection failed or whose answer did not come is closed, and a new one is made.
 */
import './requestQueue.ts';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import Broker from 'kafkajs/src/broker/index.js';
import ConnectionPool, { type Connection, type KafkajsLogger, type Protocol } from 'kafkajs/src/network/connectionPool.js';
import type { Logger } from 'pino';
import { KafkaError, messageOf } from './errors.ts';

export interface Sasl {
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  username: string;
  password: string;
}

export interface LinkOptions {
  clientId: string;
  /** Asked anew for each link, so that renewed certificates and passwords count from then on; what it throws is tried again. */
  tls?: () => ConnectionOptions;
  sasl?: () => Sasl;
  log: Logger;
}

const CONNECT_MS = 4_000;
const LOGIN_MS = 5_000;
/** How long an answer may take, unless a request says that the broker may hold it for longer. */
export const ANSWER_MS = 10_000;
/** The newest request versions that this code has encoders of, by API key. */
const NEEDED: readonly [key: number, version: number, name: string][] = [
  [0, 7, 'Produce'],
  [1, 10, 'Fetch'],
  [3, 12, 'Metadata'],
  [8, 4, 'OffsetCommit'],
  [44, 0, 'IncrementalAlterConfigs'],
];

export class Link {
  readonly address: string;
  readonly broker: Broker;
  readonly #pool: ConnectionPool;
  readonly #user: string;
  readonly #opened: Connection[] = [];
  #ready: Promise<void> | null = null;
  #fetchReady: Promise<void> | null = null;
  #closed = false;

  constructor(address: string, options: LinkOptions) {
    const colon = address.lastIndexOf(':');
    const logger = bridge(options.log);
    const login = asked(address, options.sasl);
    this.address = address;
    this.#user = login?.username ?? '';
    this.#pool = new ConnectionPool({
      host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
      port: Number(address.slice(colon + 1)),
      clientId: options.clientId,
      ssl: asked(address, options.tls),
      sasl: login,
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      enforceRequestTimeout: true,
      socketFactory: ({ host, port, ssl, onConnect }) =>
        (ssl ? connectTls({ host, port, ...ssl }, onConnect) : connectTcp({ host, port }, onConnect))
          .setKeepAlive(true, 30_000)
          .setNoDelay(true),
      logger,
    });
    this.broker = new Broker({ connectionPool: this.#pool, logger, authenticationTimeout: LOGIN_MS });
  }

  /** False once a connection failed or was lost: make a new link. */
  get usable(): boolean {
    return !this.#closed && this.#opened.every((connection) => connection.isConnected());
  }

  /** Connects, logs in and checks the broker's version; once. */
  ready(): Promise<void> {
    this.#ready ??= this.#open(this.#pool.pool[0], async () => {
      await this.broker.connect();
      this.#checkVersions();
    });
    return this.#ready;
  }

  /** Sends a request that kafkajs has no codec of. */
  async send<T>(protocol: Protocol<T>): Promise<T> {
    await this.ready();
    return this.#pool.pool[0].send(protocol);
  }

  /** Sends a request on the connection whose requests may wait at the broker. */
  async sendFetch<T>(protocol: Protocol<T>): Promise<T> {
    await this.ready();
    const connection = this.#pool.pool[1];
    this.#fetchReady ??= this.#open(connection, async () => {
      await connection.connect();
      await connection.authenticate();
    });
    await this.#fetchReady;
    return connection.send(protocol);
  }

  /** Closes at once; requests under way reject. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const connection of this.#pool.pool) {
      connection.rejectRequests(new KafkaError(`the connection to ${this.address} was closed`, { retriable: true }));
      // Nothing is pending any more, so this only marks the connection as ended.
      connection.disconnect().catch(() => {});
      connection.socket?.destroy();
    }
  }

  async #open(connection: Connection, open: () => Promise<void>): Promise<void> {
    try {
      await open();
      this.#opened.push(connection);
    } catch (error) {
      this.close();
      if (error instanceof Error && error.name === 'KafkaJSSASLAuthenticationError')
        error.message = `the login of user ${this.#user} was refused: ${error.message}`;
      throw error;
    }
  }

  #checkVersions(): void {
    for (const [key, version, name] of NEEDED) {
      const range = this.broker.versions?.[key];
      if (!range || version < range.minVersion || version > range.maxVersion)
        throw new KafkaError(
          `broker ${this.address} offers ${name} ${range ? `${range.minVersion} to ${range.maxVersion}` : 'not at all'}; Millrace needs version ${version} (Kafka 3.1 to 4.x)`,
        );
    }
  }
}

function asked<T>(address: string, credentials: (() => T) | undefined): T | null {
  try {
    return credentials ? credentials() : null;
  } catch (error) {
    throw new KafkaError(`no connection to ${address}: ${messageOf(error)}`, { cause: error, retriable: true });
  }
}

/** kafkajs logs each failure that it also throws: only for those who look for it. */
function bridge(log: Logger): KafkajsLogger {
  const write = (message: string, fields?: object) => log.trace({ kafkajs: fields }, message);
  return { namespace: () => bridge(log), debug: write, info: write, warn: write, error: write };
}
