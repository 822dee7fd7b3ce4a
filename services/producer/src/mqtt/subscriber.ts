/**
 * Stays connected and subscribed: one connection at a time, and after its end another, with back-off.
 *
 * Invariant: the session on the broker outlives every connection and this process. So nothing is unsubscribed, and what is published
 * meanwhile waits there.
 */
import { backoffMs, pause } from '@millrace/core/kafka/retry.ts';
import type { Logger } from '@millrace/core/log.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { MqttMetrics } from './metrics.ts';

const MOST_BACKOFF_MS = 30_000;
/** A subscription that held so long starts the back-off anew. */
const SETTLED_MS = 10_000;

export interface SubscriberOptions {
  pipeline: string;
  filters: readonly string[];
  qos: 0 | 1;
  log: Logger;
  metrics: MqttMetrics;
  /** For each connection anew: certificates may be others by then. @throws Error where it cannot be */
  connection(): ConnectionOptions;
}

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #connection: Connection | null = null;
  #paused = false;
  #hadSession = false;
  #subscribedAtMs: number | null = null;
  #away: string | null = 'the broker was not asked yet';

  constructor(options: SubscriberOptions) {
    this.#options = options;
    options.metrics.connected.set({ pipeline: options.pipeline }, 0);
    this.#running = this.#run();
  }

  /** Why nothing comes; null: it is subscribed. */
  get away(): string | null {
    return this.#away;
  }

  /** Nothing is read until `resume`, by later connections either. */
  pause(): void {
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#connection?.resume();
  }

  /** Ends the connection. Who has to acknowledge something does it before. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#connection?.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, metrics, pipeline } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 1; !signal.aborted; failures++) {
      this.#subscribedAtMs = null;
      const error = await this.#connectOnce();
      metrics.connected.set({ pipeline }, 0);
      this.#connection = null;
      if (signal.aborted) return;
      if (this.#subscribedAtMs !== null && performance.now() - this.#subscribedAtMs > SETTLED_MS) failures = 1;
      this.#away = error.message;
      const delayMs = Math.round(backoffMs(failures, MOST_BACKOFF_MS));
      log.warn({ err: error, failures, delayMs }, 'no connection to the MQTT broker; it is tried again');
      await pause(delayMs, signal);
    }
  }

  /** @returns why there is no connection, or none any more */
  async #connectOnce(): Promise<Error> {
    const { log, metrics, pipeline, filters, qos } = this.#options;
    const { signal } = this.#stopping;
    try {
      const { connection, sessionPresent } = await Connection.open(this.#options.connection(), signal);
      this.#connection = connection;
      metrics.connections.inc({ pipeline });
      if (this.#paused) connection.pause();
      this.#tellSession(sessionPresent);
      await connection.subscribe(filters, qos, signal).catch(async (error) => {
        await connection.end();
        throw error;
      });
      this.#away = null;
      this.#subscribedAtMs = performance.now();
      metrics.connected.set({ pipeline }, 1);
      log.info({ filters, qos, sessionPresent }, 'subscribed');
      return await connection.closed;
    } catch (error) {
      return error as Error;
    }
  }

  #tellSession(isPresent: boolean): void {
    const { log, metrics, pipeline } = this.#options;
    if (!isPresent && this.#hadSession) {
      metrics.sessionsLost.inc({ pipeline });
      log.error('the broker has forgotten the session: what was published while there was no connection is lost');
    } else if (!isPresent) log.info('a new session: what was published before is not in it');
    this.#hadSession = true;
  }
}
