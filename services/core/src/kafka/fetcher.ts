/**
 * Gets records for the lanes of one reader: one fetch at a time per broker, for all partitions that wait there.
 *
 * Invariants: a partition is fetched only while its lane waits, and nothing while the reader holds as much as it may, so
 * that besides at most one answer (1 MiB, or one larger batch) per broker is in memory; topic id and leader epoch are asked
 * from the same broker after the fetch, so records of a recreated topic never come under the old id (a broker learns the new
 * id before it writes the first record: FACTS trap 4).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { type FetchedLog, type FetchedPartition, fetchRequest } from './fetch.ts';
import type { Held, Hold } from './held.ts';
import { epochOf, topicOf } from './locate.ts';
import { pause } from './retry.ts';

/** How long a broker holds a fetch back while there is nothing new and all lanes wait: an idle reader asks this often. */
const IDLE_WAIT_MS = 1_000;
/** The same while some lane does not: it may ask any time, and its request would wait behind this one. */
const WAIT_MS = 250;
/** The same while some lane is about to ask. */
const SHORT_WAIT_MS = 20;

/** How long a broker may hold a fetch back, which answers as soon as there is something. Pure. */
export function waitMs(lanes: Iterable<{ isWaiting: boolean; isHurried: boolean }>): number {
  const all = [...lanes];
  if (all.some(({ isHurried }) => isHurried)) return SHORT_WAIT_MS;
  return all.every(({ isWaiting }) => isWaiting) ? IDLE_WAIT_MS : WAIT_MS;
}

/**
 * Fetches that bring little come this far apart: each batch costs requests and a transaction, however few records it has. The
 * first record after a silence does not wait, since the fetch before it has been out for long.
 */
const PACE_MS = 50;
/** A fetch that brings so much is followed at once. */
const MUCH_BYTES = 65_536;

/** Milliseconds between the end of a fetch and the next one. @param bytes that it brought @param tookMs from its start */
export function restMs(bytes: number, tookMs: number): number {
  return bytes === 0 || bytes >= MUCH_BYTES ? 0 : Math.max(0, PACE_MS - tookMs);
}

export interface Fetched extends FetchedLog {
  topicId: string;
  leaderEpoch: number;
  /** To be released when the records are done with. */
  hold: Hold;
}

interface Waiter {
  offset: number;
  resolve(fetched: Fetched): void;
  reject(error: unknown): void;
}

export class Fetcher {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #waitMs: () => number;
  readonly #held: Held;
  readonly #waiting = new Map<number, Map<number, Waiter>>();
  readonly #pumping = new Set<number>();
  readonly #closing = new AbortController();

  /** @param waitMs how long the next fetch may wait at the broker */
  constructor(cluster: Cluster, topic: string, waitMs: () => number, held: Held) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#waitMs = waitMs;
    this.#held = held;
  }

  /**
   * Waits until the log has something at or after `offset`; once at a time per partition.
   * @throws the partition's protocol error (OFFSET_OUT_OF_RANGE …), the connection's error, the signal's reason
   */
  async next(partition: number, offset: number, signal: AbortSignal): Promise<Fetched> {
    const { leader } = await this.#cluster.leader(this.#topic, partition);
    signal.throwIfAborted();
    const here = this.#waiting.get(leader) ?? new Map<number, Waiter>();
    this.#waiting.set(leader, here);
    const { promise, resolve, reject } = Promise.withResolvers<Fetched>();
    const waiter = { offset, resolve, reject };
    here.set(partition, waiter);
    const onAbort = () => {
      if (here.get(partition) === waiter) here.delete(partition);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort);
    void this.#pump(leader, here);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Fetches from one broker while lanes wait there; never rejects: failures go to the waiters. */
  async #pump(node: number, waiters: Map<number, Waiter>): Promise<void> {
    if (this.#pumping.has(node)) return;
    this.#pumping.add(node);
    await nextTurn(); // lanes that come in the same turn share the first fetch
    while (waiters.size > 0) {
      const room = await this.#held.room();
      if (waiters.size === 0) break;
      const startedMs = performance.now();
      const bytes = await this.#round(node, room, new Map(waiters), waiters);
      const ms = restMs(bytes, performance.now() - startedMs);
      if (ms > 0) await pause(ms, this.#closing.signal);
    }
    this.#pumping.delete(node);
  }

  /** Fetches once. @returns bytes of records that it brought */
  async #round(node: number, room: number, asked: Map<number, Waiter>, waiters: Map<number, Waiter>): Promise<number> {
    let bytes = 0;
    const settle = (partition: number, use: (waiter: Waiter) => void) => {
      const waiter = asked.get(partition);
      if (!waiter || waiters.get(partition) !== waiter) return; // gone meanwhile
      waiters.delete(partition);
      use(waiter);
    };
    try {
      const offsets = new Map([...asked].map(([partition, { offset }]) => [partition, offset]));
      await this.#cluster.onNode(node, this.#topic, async (link) => {
        const answer = await link.sendFetch(fetchRequest(this.#topic, offsets, this.#waitMs(), room));
        const news = answer.filter((one) => hasNews(one, offsets.get(one.partition) ?? 0));
        if (news.length === 0) return;
        if (news.some(({ outcome }) => outcome instanceof Error)) this.#cluster.forget(this.#topic);
        const topic = await topicOf(this.#cluster, link, this.#topic);
        for (const { partition, outcome } of news)
          settle(partition, (waiter) => {
            if (outcome instanceof Error) waiter.reject(outcome);
            else {
              const leaderEpoch = epochOf(topic, partition);
              bytes += outcome.bytes;
              waiter.resolve({ ...outcome, topicId: topic.id, leaderEpoch, hold: this.#held.take(outcome.bytes) });
            }
          });
      });
    } catch (error) {
      for (const partition of asked.keys()) settle(partition, (waiter) => waiter.reject(error));
    }
    return bytes;
  }

  /** Ends a rest between two fetches; nobody asks any more. */
  close(): void {
    this.#closing.abort();
  }
}

function hasNews({ outcome }: FetchedPartition, offset: number): boolean {
  return outcome instanceof Error || outcome.next > offset;
}
