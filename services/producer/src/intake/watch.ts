/** Looks at a raw topic for as long as it runs: whether Kafka answers, and how many partitions there are. */
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '@millrace/core/kafka/retry.ts';
import type { RoleContext } from '@millrace/core/role/role.ts';

const LOOK_MS = 5_000;
const LOOK_AWAY_MS = 1_000;
/** Longer than Kafka's client takes to say that nobody answers. */
const ANSWER_MS = 15_000;

export interface WatchOptions {
  context: Pick<RoleContext, 'kafka' | 'log'>;
  topic: string;
  /** After each look. */
  looked(): void;
}

export class TopicWatch {
  readonly #options: WatchOptions;
  readonly #stopping = new AbortController();
  readonly #watching: Promise<void>;
  #partitions: number | null = null;
  #away: string | null = 'Kafka was not asked yet';

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#watching = this.#watch();
  }

  /** Of the newest look that saw the topic; null: none did. */
  get partitions(): number | null {
    return this.#partitions;
  }

  /** Why nothing can be sent; null: it can. */
  get away(): string | null {
    return this.#away;
  }

  /** Waits for no answer. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  /** Never rejects. */
  async #watch(): Promise<void> {
    const { context, topic, looked } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const state = await within(context.kafka.topic(topic), ANSWER_MS, signal);
        const why = state === null ? `there is no topic ${topic}; setup makes it` : null;
        if (why !== this.#away) context.log.info({ why }, why === null ? 'Kafka takes records' : 'Kafka takes no records');
        this.#away = why;
        if (state !== null) this.#partitions = state.partitions;
      } catch (error) {
        if (signal.aborted) return;
        if (this.#away === null) context.log.warn({ err: error }, 'Kafka does not answer');
        this.#away = (error as Error).message;
      }
      looked();
      const delayMs = this.#away === null ? LOOK_MS : LOOK_AWAY_MS;
      await sleep(delayMs, undefined, { signal }).catch(() => undefined); // an abort ends the loop
    }
  }
}
