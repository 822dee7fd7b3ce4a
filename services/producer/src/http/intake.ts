/**
 * Between requests and Kafka: takes raw records of a request, and says when all of them are acknowledged.
 *
 * Invariants:
 * - `send` resolves only after Kafka acknowledged every record with acks=all. What it rejects may be in the log all the same: the
 *   client sends again (DESIGN 1.2 rule 7).
 * - Nothing waits without bound: what is taken is limited in bytes (`Lanes`), a request in time, and while Kafka does not
 *   acknowledge nothing more is taken.
 * - After a rejected send its lanes end with all that is on its way before others begin: one send per partition is in flight.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpRefusal } from '@millrace/core/http/refusal.ts';
import type { OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { RECEIVED_AT_HEADER, SOURCE_HEADER } from '@millrace/core/record/raw.ts';
import type { RoleContext, WorkerHealth } from '@millrace/core/role/role.ts';
import { metricsOf } from '../metrics.ts';
import { Lanes } from '../send/lanes.ts';
import { partitionOf } from '../send/partition.ts';
import { TopicWatch } from '../send/watch.ts';
import type { Enveloped } from './envelope.ts';

/** A request that Kafka did not acknowledge within this time is answered 503. */
const ACKNOWLEDGED_WITHIN_MS = 10_000;
/** Kafka is away when it acknowledged nothing for so long though something waits. */
const STALLED_MS = 5_000;
const LINGER_MS = 10;
/** For sends under way when it ends; longer than a send may take. */
const CLOSE_MS = 65_000;
const DRAIN_MS = 10_000;
/** Room for headers and framing. */
const OVERHEAD_BYTES = 100;
const RETRY = { full: 1, away: 5 };

interface Waiting {
  left: number;
  resolve(): void;
  reject(error: HttpRefusal): void;
}

export interface IntakeOptions {
  context: Pick<RoleContext, 'kafka' | 'log' | 'metrics'>;
  topic: string;
  pipeline: string;
  /** For tests to shorten. */
  acknowledgedWithinMs?: number;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #sender: Sender;
  readonly #watch: TopicWatch;
  readonly #waiting = new Map<OutRecord, Waiting>();
  readonly #labels: { pipeline: string; source: string };
  #lanes: Lanes<null>;
  /** Why a send was rejected, until others may begin. */
  #rejected: string | null = null;
  #recovering: Promise<void> | null = null;
  #progressAtMs = 0;
  #records = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#labels = { pipeline: options.pipeline, source: 'http' };
    this.#sender = options.context.kafka.sender();
    this.#lanes = this.#newLanes();
    this.#watch = new TopicWatch({ context: options.context, topic: options.topic, looked: () => this.#measure() });
  }

  /** @throws HttpRefusal 429 or 503 while no more is taken */
  check(): void {
    const why = this.#unavailable();
    if (why !== null) throw away(why);
    if (this.#lanes.full)
      throw new HttpRefusal(429, 'Kafka takes less than is being sent; send it again', { retryAfterSeconds: RETRY.full });
  }

  /** Resolves when all are acknowledged. @throws HttpRefusal 429 or 503: send again */
  async send(records: readonly Enveloped[]): Promise<void> {
    this.check();
    const { partitions } = this.#watch;
    if (partitions === null) throw away('the topic is not known yet');
    const headers = { [SOURCE_HEADER]: 'http', [RECEIVED_AT_HEADER]: String(Date.now()) };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { left: records.length, resolve, reject };
    const outgoing = records.map(({ key, value }): OutRecord => ({ key, value, headers }));
    if (this.#lanes.unacknowledgedBytes === 0) this.#progressAtMs = performance.now();
    for (const record of outgoing) {
      const [key, value] = [record.key as Buffer, record.value as Buffer];
      this.#waiting.set(record, waiting);
      const bytes = key.length + value.length + OVERHEAD_BYTES;
      this.#lanes.add(partitionOf(key, partitions), { ordinal: 0, place: null, record, bytes });
    }
    const late = setTimeout(
      () => reject(away('Kafka did not acknowledge in time')),
      this.#options.acknowledgedWithinMs ?? ACKNOWLEDGED_WITHIN_MS,
    );
    try {
      await promise;
    } finally {
      clearTimeout(late);
      for (const record of outgoing) this.#waiting.delete(record);
    }
  }

  health(): WorkerHealth {
    const why = this.#unavailable();
    if (why === null) return { ready: true, phase: 'running', state: `taking: ${this.#records} records` };
    const phase = this.#watch.partitions === null ? 'starting' : 'paused';
    return { ready: false, phase, state: `waiting for Kafka: ${why}` };
  }

  /** Sends what was taken, then lets go. */
  async stop(): Promise<void> {
    await this.#watch.stop();
    const drained = Promise.race([this.#lanes.drained(), sleep(DRAIN_MS, undefined, { ref: false })]);
    await drained.catch(() => undefined); // its requests are answered 503
    await this.#lanes.close(0);
    await this.#sender.close();
    await this.#recovering;
    this.#fail(away('the producer ends'));
    metricsOf(this.#options.context.metrics).unacknowledged.set(this.#labels, 0);
  }

  #unavailable(): string | null {
    const why = this.#rejected ?? this.#watch.away;
    if (why !== null) return why;
    const isStalled = this.#lanes.unacknowledgedBytes > 0 && performance.now() - this.#progressAtMs > STALLED_MS;
    return isStalled ? `nothing was acknowledged for more than ${STALLED_MS / 1_000} s` : null;
  }

  #newLanes(): Lanes<null> {
    const { topic, context } = this.#options;
    const metrics = metricsOf(context.metrics);
    const lanes: Lanes<null> = new Lanes<null>({
      lingerMs: LINGER_MS,
      send: (partition, records) => this.#sender.send(topic, partition, records),
      acknowledged: (records) => {
        this.#progressAtMs = performance.now();
        this.#records += records.length;
        metrics.records.inc(this.#labels, records.length);
        metrics.bytes.inc(
          this.#labels,
          records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0),
        );
        for (const record of records) {
          const waiting = this.#waiting.get(record);
          if (waiting && --waiting.left === 0) waiting.resolve();
        }
      },
      rejected: (error) => {
        context.log.warn({ err: error }, 'a send was rejected; its requests are answered 503');
        this.#recovering = this.#recover(lanes, error);
      },
    });
    return lanes;
  }

  async #recover(lanes: Lanes<null>, { message }: Error): Promise<void> {
    this.#rejected = message;
    this.#fail(away(message));
    await lanes.close(CLOSE_MS);
    this.#lanes = this.#newLanes();
    this.#recovering = null;
    this.#rejected = null;
  }

  #fail(error: HttpRefusal): void {
    for (const waiting of new Set(this.#waiting.values())) waiting.reject(error);
    this.#waiting.clear();
  }

  #measure(): void {
    metricsOf(this.#options.context.metrics).unacknowledged.set(this.#labels, this.#lanes.unacknowledgedBytes);
  }
}

function away(why: string): HttpRefusal {
  return new HttpRefusal(503, `not stored: ${why}; send it again`, { retryAfterSeconds: RETRY.away });
}
