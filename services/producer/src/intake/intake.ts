/**
 * From devices to Kafka: takes raw records, and says when Kafka acknowledged them. What every source in which devices send has beside
 * its protocol.
 *
 * Invariants:
 * - Records are told as acknowledged after Kafka acknowledged every one of them with acks=all.
 * - No record is dropped without a word: after a rejected send who sends again himself is told; all others are sent again, in order,
 *   once Kafka answers. Of the rejected ones some may be in the log then: at least once (DESIGN 1.2 rule 7).
 * - Memory is bounded: while it is `full` no more is to be taken than what came already, which is held all the same.
 * - After a rejected send its lanes end with all that is on its way before others begin: one send per partition is in flight.
 */
import type { Sender } from '@millrace/core/kafka/kafka.ts';
import { partitionOf } from '@millrace/core/kafka/partition.ts';
import { backoffMs, pause } from '@millrace/core/kafka/retry.ts';
import type { RoleContext, WorkerHealth } from '@millrace/core/role/role.ts';
import { countAcknowledged, metricsOf, type ProducerMetrics } from '../metrics.ts';
import type { KeyedRecord } from '../send/key.ts';
import { Lanes } from '../send/lanes.ts';
import { type Admission, admissionOf, rejectionsInARow } from './admission.ts';
import { Held, type Told } from './held.ts';
import { TopicWatch } from './watch.ts';

const LOOK_MS = 100;
const MOST_BACKOFF_MS = 30_000;
/** For sends under way when a send was rejected; longer than most may take, and the sender refuses a second one to a partition. */
const CLOSE_MS = 65_000;
/** For sends under way when it ends, which are told to end. */
const END_MS = 1_000;
const DRAIN_MS = 10_000;

export interface IntakeOptions {
  context: Pick<RoleContext, 'kafka' | 'log' | 'metrics'>;
  topic: string;
  labels: { pipeline: string; source: string };
  /** How long a record waits for others of its partition. */
  lingerMs: number;
  /** Called whenever it is not full. */
  room?(): void;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #metrics: ProducerMetrics;
  readonly #sender: Sender;
  readonly #watch: TopicWatch;
  readonly #stopping = new AbortController();
  readonly #held = new Held();
  #lanes: Lanes<null>;
  /** Whether the topic was seen, so that what is held is on its way, too. */
  #isKnown = false;
  /** Why a send was rejected, until others may begin. */
  #rejected: string | null = null;
  #recovering: Promise<void> | null = null;
  /** In a row. */
  #rejections = 0;
  #lanesBeganAtMs = 0;
  #progressAtMs = 0;
  #records = 0;
  #drained: PromiseWithResolvers<void> | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#metrics = metricsOf(options.context.metrics);
    this.#sender = options.context.kafka.sender();
    this.#lanes = this.#newLanes();
    this.#watch = new TopicWatch({ context: options.context, topic: options.topic, looked: () => this.#looked() });
  }

  get full(): boolean {
    return this.#lanes.full || this.#watch.partitions === null;
  }

  get admission(): Admission {
    const silentMs = this.#held.size === 0 ? null : performance.now() - this.#progressAtMs;
    return admissionOf({ away: this.#away(), silentMs, isFull: this.full });
  }

  /** @param records at least one */
  take(records: readonly KeyedRecord[], told: Told): void {
    if (this.#held.size === 0) this.#progressAtMs = performance.now();
    this.#held.add(records, told);
    for (const record of records) this.#enqueue(record);
  }

  health(): WorkerHealth {
    const { admission } = this;
    if (admission.kind !== 'away') return { ready: true, phase: 'running', state: `taking: ${this.#records} records` };
    const phase = this.#watch.partitions === null ? 'starting' : 'paused';
    return { ready: false, phase, state: `waiting for Kafka: ${admission.why}` };
  }

  /** Resolves when all that was taken is acknowledged or rejected, and after some seconds at the latest. */
  async drain(): Promise<void> {
    if (this.#held.size === 0) return;
    this.#drained = Promise.withResolvers<void>();
    const late = setTimeout(this.#drained.resolve, DRAIN_MS);
    await this.#drained.promise;
    clearTimeout(late);
    if (this.#held.size > 0)
      this.#options.context.log.warn({ records: this.#held.size }, 'Kafka did not take all before the end');
  }

  /** Lets go, and tells whom it can that the rest is not acknowledged. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const closed = this.#lanes.close(END_MS);
    await Promise.all([this.#watch.stop(), this.#sender.close(), closed, this.#recovering]);
    this.#held.reject('the producer ends');
    this.#metrics.unacknowledged.set(this.#options.labels, 0);
  }

  #away(): string | null {
    return this.#stopping.signal.aborted ? 'the producer ends' : (this.#rejected ?? this.#watch.away);
  }

  #enqueue(record: KeyedRecord): void {
    const { partitions } = this.#watch;
    if (partitions === null) return; // it is held, and sent with the look that finds the topic
    this.#lanes.add(partitionOf(record.key, partitions), record, null);
  }

  #newLanes(): Lanes<null> {
    const { topic, labels, lingerMs } = this.#options;
    this.#lanesBeganAtMs = performance.now();
    const lanes: Lanes<null> = new Lanes<null>({
      lingerMs,
      send: (partition, records) => this.#sender.send(topic, partition, records),
      acknowledged: (records) => {
        this.#progressAtMs = performance.now();
        this.#records += records.length;
        countAcknowledged(this.#metrics, labels, records);
        this.#held.acknowledge(records);
        this.#tell();
      },
      rejected: (error) => {
        if (!this.#stopping.signal.aborted) this.#recovering = this.#recover(lanes, error);
      },
    });
    return lanes;
  }

  /** Nothing more is sent by the old lanes; what may be in the log of theirs is sent again before anything new. */
  async #recover(lanes: Lanes<null>, error: Error): Promise<void> {
    const { signal } = this.#stopping;
    this.#rejected = error.message;
    this.#rejections = rejectionsInARow(this.#rejections, performance.now() - this.#lanesBeganAtMs);
    const before = this.#held.size;
    this.#held.reject(error.message);
    const again = this.#held.size;
    const { log } = this.#options.context;
    log.warn({ err: error, told: before - again, again }, 'a send was rejected; who sends again is told, the rest is sent again');
    this.#tell();
    await lanes.close(CLOSE_MS);
    if (this.#held.size > 0) {
      await pause(backoffMs(this.#rejections, MOST_BACKOFF_MS), signal);
      while (this.#watch.away !== null && !signal.aborted) await pause(LOOK_MS, signal);
    }
    if (signal.aborted) return;
    this.#rejected = null;
    this.#recovering = null;
    this.#lanes = this.#newLanes();
    for (const record of this.#held.records) this.#enqueue(record);
    this.#tell();
  }

  #looked(): void {
    this.#metrics.unacknowledged.set(this.#options.labels, this.#lanes.unacknowledgedBytes);
    if (!this.#isKnown && this.#watch.partitions !== null) {
      this.#isKnown = true;
      for (const record of this.#held.records) this.#enqueue(record);
    }
    this.#tell();
  }

  #tell(): void {
    if (this.#held.size === 0) this.#drained?.resolve();
    if (!this.full) this.#options.room?.();
  }
}
