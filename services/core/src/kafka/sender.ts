/**
 * The idempotent producer (DESIGN 1.2 rule 1), acks=all, over single Produce requests.
 *
 * Invariants:
 * - a request holds records of exactly one partition, and one send per partition is in flight (FACTS trap 1);
 * - a retry sends the very same bytes with the same producer id and sequence, so that the broker tells it is a repeat;
 * - a send counts only when the answer names its partition with a base offset (trap 2);
 * - a retry never goes to a topic of another id than the caller meant;
 * - after a send was rejected, no later send uses that producer id (trap 3): whether the records are in the log is unknown
 *   then, and the next sequence with it. Sends to other partitions that were under way end with the old id, in order.
 */
import type { Logger } from 'pino';
import { guarded } from '../guards.ts';
import type { Cluster } from './cluster.ts';
import { topicConfig } from './config.ts';
import { cutIntoBatches } from './cut.ts';
import { isRetriable, KafkaError, messageOf, typeOf } from './errors.ts';
import type { OutRecord, Sender } from './kafka.ts';
import { produceRequest } from './produce.ts';
import { encodeBatch } from './recordBatch.ts';
import { persist } from './retry.ts';

/** A send that was not acknowledged within this time is rejected. */
export const SEND_WITHIN_MS = 60_000;
/** A topic or partition that the brokers do not know for this long is not there (a new one needs a moment to be known). */
const UNKNOWN_WITHIN_MS = 5_000;
/** A producer id is given up before its sequence numbers, 31 bits per partition, wrap around. */
const MAX_RECORDS_PER_PRODUCER = 2 ** 30;

interface Producer {
  id: string;
  epoch: number;
  /** Next sequence number by `topic/partition`. */
  sequences: Map<string, number>;
  records: number;
}

export class KafkaSender implements Sender {
  readonly #cluster: Cluster;
  readonly #log: Logger;
  readonly #withinMs: number;
  readonly #maxRecords: number;
  readonly #inFlight = new Set<string>();
  readonly #maxBytes = new Map<string, number>();
  readonly #closing = new AbortController();
  #producer: Promise<Producer> | null = null;

  /** @param cluster its own; the limits are for tests to shorten */
  constructor(cluster: Cluster, log: Logger, limits: { withinMs?: number; recordsPerProducer?: number } = {}) {
    this.#cluster = cluster;
    this.#log = log;
    this.#withinMs = limits.withinMs ?? SEND_WITHIN_MS;
    this.#maxRecords = limits.recordsPerProducer ?? MAX_RECORDS_PER_PRODUCER;
  }

  /**
   * @returns the offset of the first record; the others follow, though not without gaps when the send was cut
   * @throws KafkaError at the latest `SEND_WITHIN_MS` after the last part was acknowledged; RangeError for a record that is too large, before anything was sent
   */
  async send(topic: string, partition: number, records: readonly OutRecord[], topicId?: string): Promise<{ baseOffset: number }> {
    const key = `${topic}/${partition}`;
    if (records.length === 0) throw new RangeError(`send to ${key} without records`);
    if (guarded('one-in-flight') && this.#inFlight.has(key))
      throw new Error(`second send to ${key} while one is in flight: the order would be lost`);
    this.#inFlight.add(key);
    try {
      let baseOffset: number | null = null;
      for (const part of cutIntoBatches(records, await this.#maxBytesOf(topic))) {
        const offset = await this.#append(topic, partition, part, topicId);
        baseOffset ??= offset;
      }
      return { baseOffset: baseOffset as number };
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the sender was closed'));
    this.#cluster.close();
  }

  async #append(topic: string, partition: number, records: OutRecord[], topicId: string | undefined): Promise<number> {
    const what = `${this.#cluster.name} did not take ${records.length} records for ${topic}/${partition}`;
    const key = `${topic}/${partition}`;
    this.#producer ??= this.#newProducer();
    const current = this.#producer;
    try {
      const producer = await current;
      const sequence = producer.sequences.get(key) ?? 0;
      const batch = encodeBatch(records, { producerId: producer.id, producerEpoch: producer.epoch, first: sequence }, Date.now());
      const unknownSince = new Unknown();
      const offset = await persist(
        async () => {
          if (guarded('send-topic-id') && topicId !== undefined) await this.#mustBe(topic, partition, topicId);
          return this.#cluster.onLeader(topic, partition, (link) => link.send(produceRequest(topic, partition, batch)));
        },
        { withinMs: this.#withinMs, what, signal: this.#closing.signal, giveUp: (error) => unknownSince.tooLong(error) },
      );
      producer.sequences.set(key, sequence + records.length);
      producer.records += records.length;
      if (producer.records >= this.#maxRecords && this.#producer === current) this.#producer = null;
      return offset;
    } catch (error) {
      if (guarded('new-producer') && this.#producer === current) this.#producer = null;
      if (typeOf(error) === 'MESSAGE_TOO_LARGE') this.#maxBytes.delete(topic);
      this.#log.warn(
        { topic, partition, records: records.length, err: messageOf(error) },
        'send rejected; the next one uses a new producer id',
      );
      throw error;
    }
  }

  /** Asks again before it says no: the answer may be of before the topic was created again. @throws KafkaError */
  async #mustBe(topic: string, partition: number, topicId: string): Promise<void> {
    if ((await this.#cluster.topicId(topic, partition)) === topicId) return;
    this.#cluster.forget(topic);
    const id = await this.#cluster.topicId(topic, partition);
    if (id !== topicId) throw new KafkaError(`the topic was created again: its id is ${id}, not ${topicId}`);
  }

  async #newProducer(): Promise<Producer> {
    const { producerId, producerEpoch } = await persist(
      () => this.#cluster.onAny((link) => link.broker.initProducerId({ transactionTimeout: 60_000 })),
      { withinMs: this.#withinMs, what: `${this.#cluster.name} gave no producer id`, signal: this.#closing.signal },
    );
    return { id: producerId, epoch: producerEpoch, sequences: new Map(), records: 0 };
  }

  async #maxBytesOf(topic: string): Promise<number> {
    const known = this.#maxBytes.get(topic);
    if (known !== undefined) return known;
    const unknownSince = new Unknown();
    const config = await persist(() => topicConfig(this.#cluster, topic), {
      withinMs: this.#withinMs,
      what: `${this.#cluster.name} did not say max.message.bytes of topic ${topic}`,
      signal: this.#closing.signal,
      giveUp: (error) => unknownSince.tooLong(error),
    });
    const bytes = Number(config['max.message.bytes']);
    if (!(bytes > 0))
      throw new Error(
        `topic ${topic} has max.message.bytes ${JSON.stringify(config['max.message.bytes'])}; allowed is a number above 0`,
      );
    this.#maxBytes.set(topic, bytes);
    return bytes;
  }
}

/** Tells a topic that is not there from one that not all brokers have heard of yet. */
class Unknown {
  #since: number | null = null;

  tooLong(error: unknown): boolean {
    if (typeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION' || !isRetriable(error)) {
      this.#since = null;
      return false;
    }
    this.#since ??= performance.now();
    return performance.now() - this.#since > UNKNOWN_WITHIN_MS;
  }
}
