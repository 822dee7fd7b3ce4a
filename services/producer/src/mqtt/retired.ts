/**
 * Empties the sessions of producers that are no more: the broker goes on giving them their share of the messages, and nobody takes it.
 *
 * Invariants:
 * - A session is unsubscribed first, so that no more comes into it; what is in it goes the way of every other message, with its PUBACK
 *   after Kafka's acknowledgement. Whatever ends in between, the broker still has what was not acknowledged.
 * - A session is ended on the very connection that emptied it (v5). A producer that is not gone after all and takes its session back has
 *   closed that connection before, so its session is not touched; it subscribes with each connection of its own.
 */
import { pause } from '@millrace/core/kafka/retry.ts';
import type { Logger } from '@millrace/core/log.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { InOrder } from './inOrder.ts';
import type { MqttMessage } from './message.ts';

/** Milliseconds. */
export interface RetiredPace {
  /** Before the first look. */
  first: number;
  /** After a look that did not end well; doubles. */
  again: number;
  /** After one that did; also the longest otherwise. */
  rest: number;
  /** In which nothing came out of a session that is empty. */
  quiet: number;
}

export interface RetiredOptions {
  pace: RetiredPace;
  /** Of the producers that are no more. */
  clientIds: readonly string[];
  /** What they had subscribed to. */
  filters: readonly string[];
  log: Logger;
  /** For each connection anew. @throws Error where it cannot be */
  connection(): Omit<ConnectionOptions, 'clientId' | 'onMessage'>;
  take(message: MqttMessage, acknowledged: () => void): void;
}

export class RetiredSessions {
  readonly #options: RetiredOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #connection: Connection | null = null;
  #paused = false;

  constructor(options: RetiredOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Nothing is read until `resume`. */
  pause(): void {
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#connection?.resume();
  }

  /** A session that is not empty yet stays. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { pace, clientIds, log } = this.#options;
    const { signal } = this.#stopping;
    let delayMs = pace.first;
    for (let failures = 0; ; ) {
      await pause(delayMs, signal);
      if (signal.aborted) return;
      let isDone = true;
      for (const clientId of clientIds) {
        if (signal.aborted) return;
        try {
          await this.#empty(clientId);
        } catch (error) {
          if (signal.aborted) return;
          isDone = false;
          log.warn({ err: error, clientId }, 'the session of a producer that is no more is not empty yet; it is tried again');
        }
      }
      failures = isDone ? 0 : failures + 1;
      delayMs = isDone ? pace.rest : Math.min(pace.rest, pace.again * 2 ** (failures - 1));
    }
  }

  /** @throws Error where the broker is away, or another client took the session */
  async #empty(clientId: string): Promise<void> {
    const { connection: options, filters, log, take } = this.#options;
    const { signal } = this.#stopping;
    const inOrder = new InOrder();
    const came = { messages: 0, waiting: 0 };
    const onMessage = (message: MqttMessage, acknowledge: (() => void) | null): void => {
      came.messages++;
      came.waiting++;
      const acknowledged = inOrder.next(acknowledge ?? (() => undefined));
      take(message, () => {
        came.waiting--;
        acknowledged();
      });
    };
    const { connection, sessionPresent } = await Connection.open({ ...options(), clientId, onMessage }, signal);
    this.#connection = connection;
    if (this.#paused) connection.pause();
    try {
      if (sessionPresent) {
        await connection.unsubscribe(filters, signal);
        await this.#untilEmpty(connection, came);
      }
      await connection.end({ forget: true });
      if (came.messages > 0)
        log.info({ clientId, messages: came.messages }, 'took what the broker kept for a producer that is no more');
    } finally {
      this.#connection = null;
      await connection.end();
    }
  }

  /**
   * The broker reads what it is sent in order: where all was acknowledged before a PINGREQ and nothing comes before its answer, nothing
   * was let go by an acknowledgement. The moment before that is for brokers that let go later than they read.
   */
  async #untilEmpty(connection: Connection, came: Readonly<{ messages: number; waiting: number }>): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      const before = came.messages;
      await pause(this.#options.pace.quiet, signal);
      const isQuiet = came.waiting === 0 && came.messages === before;
      await connection.ping(signal);
      if (isQuiet && came.messages === before) return;
    }
  }
}
