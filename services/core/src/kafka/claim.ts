/**
 * The one writer under a transactional id: transactions as Kafka has them (KIP-98), over single requests like the sender's.
 *
 * Invariants:
 * - A claim begins by InitProducerId, which aborts what an earlier claim has open and gives a newer epoch. From then on the coordinator refuses the
 *   earlier one every partition that it would add, and the partitions that it had added refuse its batches: the marker of the
 *   abort carries the newer epoch.
 * - Nothing is sent to a partition before it was added to the transaction.
 * - A retry sends the very same bytes with the same sequence; after anything else than success the claim is over, so that no
 *   later append goes on from a sequence, or in a transaction, of which nobody knows how it stands.
 */
import { guarded } from '../guards.ts';
import type { Cluster } from './cluster.ts';
import { topicConfig } from './config.ts';
import { cutIntoBatches } from './cut.ts';
import { KafkaError, typeOf } from './errors.ts';
import type { Claim, OutRecord } from './kafka.ts';
import type { Link } from './link.ts';
import { produceRequest } from './produce.ts';
import { encodeBatch } from './recordBatch.ts';
import { persist } from './retry.ts';

/** Of each request with its retries. */
const WITHIN_MS = 15_000;
/** After which the coordinator aborts a transaction by itself: longer than one takes, short for readers, who wait for its end. */
const TRANSACTION_MS = 60_000;
/** A claim is over before its sequence numbers, 31 bits per partition, wrap around. */
const MAX_RECORDS = 2 ** 30;

/** @param cluster its own. @throws KafkaError */
export async function claimWriter(cluster: Cluster, transactionalId: string, signal?: AbortSignal): Promise<WriterClaim> {
  const id = guarded('one-writer') ? transactionalId : null;
  const claim = (link: Link) =>
    link.broker.initProducerId({ ...(id === null ? {} : { transactionalId: id }), transactionTimeout: TRANSACTION_MS });
  try {
    const producer = await persist(() => (id === null ? cluster.onAny(claim) : cluster.onCoordinator(id, claim, 'transaction')), {
      withinMs: WITHIN_MS,
      what: `${cluster.name} did not make this the writer ${transactionalId}`,
      ...(signal ? { signal } : {}),
    });
    return new WriterClaim(cluster, id, producer);
  } catch (error) {
    cluster.close();
    if (typeOf(error) !== 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED') throw error;
    throw new KafkaError(`the user is not authorized to write under the transactional id ${transactionalId}`, { cause: error });
  }
}

export class WriterClaim implements Claim {
  readonly #cluster: Cluster;
  /** null: in no transaction, for a test that takes the guard out. */
  readonly #id: string | null;
  readonly #producer: { producerId: string; producerEpoch: number };
  /** Next sequence number by `topic/partition`. */
  readonly #sequences = new Map<string, number>();
  readonly #maxBytes = new Map<string, number>();
  readonly #closing = new AbortController();
  #records = 0;
  #holds = true;

  constructor(cluster: Cluster, id: string | null, producer: { producerId: string; producerEpoch: number }) {
    this.#cluster = cluster;
    this.#id = id;
    this.#producer = producer;
  }

  get holds(): boolean {
    return this.#holds;
  }

  async append(topic: string, parts: ReadonlyMap<number, readonly OutRecord[]>): Promise<void> {
    if (!this.#holds) throw new KafkaError(`the claim to write to ${topic} is over`);
    if (parts.size === 0) return;
    const maxBytes = await this.#maxBytesOf(topic);
    const cut = [...parts].map(([partition, records]) => ({ partition, batches: cutIntoBatches(records, maxBytes) }));
    this.#holds = false; // until it is committed
    await this.#inTransaction('take partitions into a transaction', (id, link) =>
      link.broker.addPartitionsToTxn({
        transactionalId: id,
        ...this.#producer,
        topics: [{ topic, partitions: [...parts.keys()] }],
      }),
    );
    const sent = await Promise.allSettled(cut.map(({ partition, batches }) => this.#send(topic, partition, batches)));
    for (const one of sent) if (one.status === 'rejected') throw one.reason;
    await this.#inTransaction('commit a transaction', (id, link) =>
      link.broker.endTxn({ transactionalId: id, ...this.#producer, transactionResult: true }),
    );
    for (const records of parts.values()) this.#records += records.length;
    this.#holds = this.#records < MAX_RECORDS;
  }

  async close(): Promise<void> {
    this.#holds = false;
    this.#closing.abort(new Error('the claim was closed'));
    this.#cluster.close();
  }

  async #inTransaction(what: string, request: (id: string, link: Link) => Promise<unknown>): Promise<void> {
    const id = this.#id;
    if (id === null) return;
    await this.#ask(`${what} of ${id}`, () => this.#cluster.onCoordinator(id, (link) => request(id, link), 'transaction'));
  }

  async #send(topic: string, partition: number, batches: readonly OutRecord[][]): Promise<void> {
    const key = `${topic}/${partition}`;
    for (const records of batches) {
      const first = this.#sequences.get(key) ?? 0;
      const batch = encodeBatch(records, { ...this.#producer, first, isTransactional: this.#id !== null }, Date.now());
      await this.#ask(`take ${records.length} records for ${key}`, () =>
        this.#cluster.onLeader(topic, partition, (link) => link.send(produceRequest(topic, partition, batch, this.#id))),
      );
      this.#sequences.set(key, first + records.length);
    }
  }

  async #maxBytesOf(topic: string): Promise<number> {
    const known = this.#maxBytes.get(topic);
    if (known !== undefined) return known;
    const config = await this.#ask(`say max.message.bytes of topic ${topic}`, () => topicConfig(this.#cluster, topic));
    const bytes = Number(config['max.message.bytes']);
    if (!(bytes > 0))
      throw new KafkaError(
        `topic ${topic} has max.message.bytes ${JSON.stringify(config['max.message.bytes'])}; allowed is a number above 0`,
      );
    this.#maxBytes.set(topic, bytes);
    return bytes;
  }

  #ask<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return persist(attempt, {
      withinMs: WITHIN_MS,
      what: `${this.#cluster.name} did not ${what}`,
      signal: this.#closing.signal,
    });
  }
}
