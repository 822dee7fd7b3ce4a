/**
 * Between messages and Kafka: holds each record until Kafka acknowledged it with acks=all, and says so then.
 *
 * Invariants:
 * - A record is told as acknowledged after Kafka's acknowledgement, and in the order in which records were added, as MQTT wants it
 *   of PUBACKs (MQTT-4.6.0-2).
 * - No record is dropped: after a rejected send all that are not acknowledged are sent again, in order, once Kafka answers. Of the
 *   rejected ones some may be in the log then: at least once.
 * - Memory is bounded (`Lanes`): while it is `full` no more is to be added than what came already, which is held all the same. `room` says when it is not any more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { backoffMs, pause } from '@millrace/core/kafka/retry.ts';
import type { RoleContext } from '@millrace/core/role/role.ts';
import { metricsOf } from '../metrics.ts';
import { Lanes } from '../send/lanes.ts';
import { partitionOf } from '../send/partition.ts';
import { TopicWatch } from '../send/watch.ts';

/** Kafka is away when it acknowledged nothing for so long though something waits. */
const STALLED_MS = 5_000;
const LINGER_MS = 5;
const LOOK_MS = 100;
const MOST_BACKOFF_MS = 30_000;
/** For sends under way when a send was rejected; longer than a send may take. */
const CLOSE_MS = 65_000;
const DRAIN_MS = 10_000;
/** Room for headers and framing. */
const OVERHEAD_BYTES = 200;

type Keyed = OutRecord & { key: Buffer; value: Buffer };

/** In the order of their messages; `isDone` once Kafka acknowledged it. */
interface Turn {
  isDone: boolean;
  acknowledge: () => void;
}

export interface OutboxOptions {
  context: Pick<RoleContext, 'kafka' | 'log' | 'metrics'>;
  topic: string;
  pipeline: string;
  /** Called whenever more may be added. */
  room(): void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #sender: Sender;
  readonly #watch: TopicWatch;
  readonly #stopping = new AbortController();
  readonly #labels: { pipeline: string; source: string };
  /** Not acknowledged by Kafka, in order. Null: nobody waits for it. */
  readonly #held = new Map<Keyed, Turn | null>();
  readonly #turns: Turn[] = [];
  #lanes: Lanes<null>;
  /** Whether the topic was seen, so that what is held is on its way, too. */
  #isKnown = false;
  #recovering: Promise<void> | null = null;
  #rejected: string | null = null;
  #rejections = 0;
  #progressAtMs = 0;
  #records = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#labels = { pipeline: options.pipeline, source: 'mqtt' };
    this.#sender = options.context.kafka.sender();
    this.#lanes = this.#newLanes();
    this.#watch = new TopicWatch({ context: options.context, topic: options.topic, looked: () => this.#measure() });
  }

  /** Acknowledged records. */
  get records(): number {
    return this.#records;
  }

  get full(): boolean {
    return this.#lanes.full || this.#watch.partitions === null;
  }

  /** Why Kafka takes nothing; null: it does. */
  get unavailable(): string | null {
    const why = this.#rejected ?? this.#watch.away;
    if (why !== null) return why;
    const isStalled = this.#held.size > 0 && performance.now() - this.#progressAtMs > STALLED_MS;
    return isStalled ? `nothing was acknowledged for more than ${STALLED_MS / 1_000} s` : null;
  }

  /** @param acknowledge called once, after Kafka's acknowledgement; null: nobody waits for it */
  add(record: Keyed, acknowledge: (() => void) | null): void {
    if (this.#held.size === 0) this.#progressAtMs = performance.now();
    const turn = acknowledge && { isDone: false, acknowledge };
    if (turn) this.#turns.push(turn);
    this.#held.set(record, turn);
    this.#enqueue(record);
  }

  /** Sends what was added, within some seconds; what is not acknowledged then is the broker's to send again. */
  async drain(): Promise<void> {
    const endMs = performance.now() + DRAIN_MS;
    while (this.#held.size > 0 && performance.now() < endMs) await sleep(LINGER_MS);
    if (this.#held.size > 0)
      this.#options.context.log.warn({ records: this.#held.size }, 'Kafka did not take all before the end');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watch.stop();
    await this.#lanes.close(0);
    await this.#sender.close();
    await this.#recovering;
    metricsOf(this.#options.context.metrics).unacknowledged.set(this.#labels, 0);
  }

  #enqueue(record: Keyed): void {
    const partitions = this.#watch.partitions;
    if (partitions === null) return; // it is held, and sent with the look that finds the topic
    const bytes = record.key.length + record.value.length + OVERHEAD_BYTES;
    this.#lanes.add(partitionOf(record.key, partitions), { ordinal: 0, place: null, record, bytes });
  }

  #newLanes(): Lanes<null> {
    const { topic, context } = this.#options;
    const lanes: Lanes<null> = new Lanes<null>({
      lingerMs: LINGER_MS,
      send: (partition, records) => this.#sender.send(topic, partition, records),
      acknowledged: (records) => this.#acknowledged(records as readonly Keyed[]),
      rejected: (error) => {
        context.log.warn({ err: error, records: this.#held.size }, 'a send was rejected; what is not acknowledged is sent again');
        this.#recovering = this.#recover(lanes, error);
      },
    });
    return lanes;
  }

  #acknowledged(records: readonly Keyed[]): void {
    this.#progressAtMs = performance.now();
    this.#records += records.length;
    const metrics = metricsOf(this.#options.context.metrics);
    metrics.records.inc(this.#labels, records.length);
    metrics.bytes.inc(
      this.#labels,
      records.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
    );
    for (const record of records) {
      const turn = this.#held.get(record);
      if (turn) turn.isDone = true;
      this.#held.delete(record);
    }
    if (this.#held.size === 0) this.#rejections = 0;
    let done = 0;
    for (const { isDone, acknowledge } of this.#turns) {
      if (!isDone) break;
      acknowledge();
      done++;
    }
    this.#turns.splice(0, done);
    this.#tellRoom();
  }

  #tellRoom(): void {
    if (!this.full) this.#options.room();
  }

  /** Nothing more is sent by the old lanes; what may be in the log of theirs is sent again before anything new. */
  async #recover(lanes: Lanes<null>, { message }: Error): Promise<void> {
    const { signal } = this.#stopping;
    this.#rejected = message;
    await lanes.close(CLOSE_MS);
    await pause(backoffMs(++this.#rejections, MOST_BACKOFF_MS), signal);
    while (this.#watch.away !== null && !signal.aborted) await pause(LOOK_MS, signal);
    if (signal.aborted) return;
    this.#rejected = null;
    this.#recovering = null;
    this.#lanes = this.#newLanes();
    for (const record of this.#held.keys()) this.#enqueue(record);
    this.#tellRoom();
  }

  #measure(): void {
    metricsOf(this.#options.context.metrics).unacknowledged.set(this.#labels, this.#lanes.unacknowledgedBytes);
    if (!this.#isKnown && this.#watch.partitions !== null) {
      this.#isKnown = true;
      for (const record of this.#held.keys()) this.#enqueue(record);
    }
    this.#tellRoom();
  }
}
