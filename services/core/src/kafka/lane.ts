/**
 * One partition of a reader while it is assigned: load the position, find the place, hand over batch after batch.
 *
 * Invariants:
 * - one handler at a time per partition, also over a rebalance: a lane starts when the one before has ended;
 * - a batch follows the position that was loaded, or the batch before, or a notice that says what is between;
 * - records come from the log with the topic id and the leader epoch that the place was found in: another one loads again,
 *   since a new leader may have a shorter log;
 * - a log is called cut back only after two looks a second apart: a leader that was frozen does not know at once that it
 *   was replaced, and its log may end earlier;
 * - after `signal` is aborted this lane starts no commit, and one under way counts only in this lane's generation.
 */
import type { Logger } from 'pino';
import { guarded } from '../guards.ts';
import { isTransport, messageOf, typeOf } from './errors.ts';
import type { Fetched } from './fetcher.ts';
import type { Batch, KafkaRecord, PartitionState, ReadOptions } from './kafka.ts';
import { Reload } from './kafka.ts';
import type { Located } from './locate.ts';
import { checkFirst, checkNext, decideStart, type Happening, isTold, type Start } from './resume.ts';
import { backoffMs, pause, within } from './retry.ts';
import type { Slots } from './slots.ts';

/** A handler that runs longer no longer counts against the reader's concurrency, and its batch is overdue (held.ts). */
const LONG_MS = 3_000;
const MAX_BACKOFF_MS = 5_000;
/** After an outage of Kafka, at the latest this much later. */
const MAX_KAFKA_BACKOFF_MS = 1_000;
/** More reloads in a row than this, without a batch between, wait as after an error. */
const MAX_QUICK_RELOADS = 3;

/** Longer than a broker that comes back takes to learn the metadata. */
const SECOND_LOOK_MS = 1_000;

export interface LaneOptions {
  partition: number;
  read: ReadOptions;
  locate(): Promise<Located>;
  fetch(offset: number, signal: AbortSignal): Promise<Fetched>;
  commit(next: number, metadata: string, signal: AbortSignal): Promise<void>;
  slots: Slots;
  log: Logger;
}

export class Lane {
  readonly done: Promise<void>;
  readonly #options: LaneOptions;
  readonly #draining = new AbortController();
  readonly #aborting = new AbortController();
  readonly #state: PartitionState;
  #told: Happening | null = null;
  /** The position behind which the log looked cut back. */
  #suspected: number | null = null;
  #failures = 0;
  #quickReloads = 0;
  #waits = false;

  /** @param previous the end of the lane that had this partition before */
  constructor(options: LaneOptions, previous: Promise<void>) {
    this.#options = options;
    this.#state = { partition: options.partition, state: 'loading', reason: null, next: null, end: null };
    this.done = (guarded('one-handler') ? previous : Promise.resolve()).then(() => this.#run());
  }

  get state(): PartitionState {
    return { ...this.#state };
  }

  /** Whether it asks for records now. */
  get isWaiting(): boolean {
    return this.#waits;
  }

  /** Whether it will soon ask for records, but does not now. */
  get isHurried(): boolean {
    return !this.#waits && this.#state.state !== 'paused' && !this.#draining.signal.aborted;
  }

  /** Starts nothing new; aborts what runs after the grace time. Resolves when ended, or at the abort. */
  async stop(graceMs: number): Promise<void> {
    const reason = new Error(`partition ${this.#options.partition} was given up`);
    this.#draining.abort(reason);
    if (graceMs > 0) await (guarded('return-in-rebalance') ? within(this.done, graceMs) : this.done).catch(() => {});
    if (guarded('lost-membership-abort')) this.#aborting.abort(reason);
  }

  async #run(): Promise<void> {
    const signal = this.#draining.signal;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) break;
        await this.#recover(error, signal);
      }
    }
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const reason = messageOf(error);
    const isReload = error instanceof Reload || typeOf(error) === 'OFFSET_OUT_OF_RANGE';
    const { log, read, partition } = this.#options;
    const isNew = reason !== this.#state.reason; // an outage is told once, not with every try
    log[isNew ? 'warn' : 'debug'](
      { group: read.group, topic: read.topic, partition, reason },
      isReload ? 'loading the position again' : 'partition paused',
    );
    if (isReload && ++this.#quickReloads <= MAX_QUICK_RELOADS) {
      this.#set('loading', reason);
      return;
    }
    this.#set('paused', reason);
    this.#failures++;
    await pause(backoffMs(this.#failures, isTransport(error) ? MAX_KAFKA_BACKOFF_MS : MAX_BACKOFF_MS), signal);
  }

  /** Loads and reads on until something throws. */
  async #follow(signal: AbortSignal): Promise<never> {
    const { read, partition, locate, fetch, slots } = this.#options;
    this.#set('loading', this.#state.reason);
    const before = await locate();
    signal.throwIfAborted();
    const topic = { id: before.topicId, partitions: before.partitions };
    const position = await read.load(partition, topic, this.#aborting.signal);
    signal.throwIfAborted();
    const log = await locate(); // the load may have taken long
    if (log.topicId !== before.topicId) throw new Reload(`topic ${read.topic} was recreated while the position was loaded`);
    signal.throwIfAborted();
    let start: Start | null = decideStart(position, log);
    await this.#tell(start.happening, signal);
    let at = start.fetchFrom;
    this.#set('reading', null, start.next, log.end);
    for (;;) {
      const fetched = await this.#wait(() => fetch(at, signal));
      using _hold = { [Symbol.dispose]: fetched.hold.release };
      if (guarded('fetched-topic-id') && fetched.topicId !== log.topicId)
        throw new Reload(`topic ${read.topic} was recreated: its id is ${fetched.topicId} now`);
      if (guarded('leader-epoch') && fetched.leaderEpoch !== log.leaderEpoch)
        throw new Reload(`partition ${partition} of topic ${read.topic} has a new leader`);
      // Bytes become objects, which are much larger, only when it is this partition's turn.
      const release = await slots.take(signal);
      using _slot = { [Symbol.dispose]: release };
      const all = fetched.decode();
      const first = all[0] ?? null;
      const verdict = start?.check ? checkFirst(start.next, start.check, first, fetched) : checkNext(at, first, fetched);
      if (verdict.go === 'reload') throw new Reload(`partition ${partition} of topic ${read.topic}: ${verdict.reason}`);
      if (verdict.go === 'restart') {
        await this.#tell(verdict.happening, signal);
        at = fetched.start;
        start = null;
        this.#set('reading', null, at, fetched.end);
        continue;
      }
      start = null;
      at = fetched.next;
      const records = verdict.skip > 0 ? all.slice(verdict.skip) : all;
      if (records.length > 0) await this.#handle(records, fetched, release, signal);
    }
  }

  /** @param leaveSlot called when it takes long */
  async #handle(
    records: KafkaRecord[],
    { topicId, end, hold }: Fetched,
    leaveSlot: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { read, partition } = this.#options;
    const next = (records.at(-1) as KafkaRecord).offset + 1;
    const aborted = this.#aborting.signal;
    const batch: Batch = {
      topic: read.topic,
      partition,
      topicId,
      records,
      next,
      end,
      signal: aborted,
      commit: async (offset, metadata) => {
        aborted.throwIfAborted();
        await this.#options.commit(offset, metadata, aborted);
      },
    };
    const long = setTimeout(() => {
      leaveSlot();
      hold.overdue();
      this.#set('paused', `one batch has been worked on for more than ${LONG_MS / 1000} s`);
    }, LONG_MS);
    try {
      await read.handle(batch);
    } finally {
      clearTimeout(long);
    }
    this.#told = null;
    this.#suspected = null;
    this.#failures = 0;
    this.#quickReloads = 0;
    this.#set('reading', null, next, end);
    signal.throwIfAborted();
  }

  async #wait<T>(wait: () => Promise<T>): Promise<T> {
    this.#waits = true;
    try {
      return await wait();
    } finally {
      this.#waits = false;
    }
  }

  async #tell(found: Happening | null, signal: AbortSignal): Promise<void> {
    if (found === null) return;
    const { read, partition } = this.#options;
    if (guarded('second-look') && found.kind === 'truncated' && this.#suspected !== found.next) {
      this.#suspected = found.next;
      await pause(SECOND_LOOK_MS, signal);
      throw new Reload(`partition ${partition} of topic ${read.topic} looks cut back before offset ${found.next}: looking again`);
    }
    const { again, happening } = isTold(found, this.#told);
    this.#told = found;
    read.notice({ ...happening, topic: read.topic, partition, ...(again ? { again } : {}) });
  }

  #set(state: PartitionState['state'], reason: string | null, next?: number, end?: number): void {
    Object.assign(this.#state, { state, reason, ...(next === undefined ? {} : { next }), ...(end === undefined ? {} : { end }) });
  }
}
