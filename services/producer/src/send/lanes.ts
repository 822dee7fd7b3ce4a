/**
 * Sends records in order, one lane per partition.
 *
 * Invariants:
 * - One send per lane is in flight; several lanes send at a time.
 * - Memory is bounded: `room()` holds the reader back while too many bytes wait for their acknowledgement, or while the oldest
 *   unacknowledged record lies too far back. What may wait is the process's, in equal parts for those in which something waits.
 * - Nothing waits for a next record: a lane sends when it has a batch's worth, or `LINGER_MS` after its first record or after the
 *   acknowledgement of the send before.
 * - After one send was rejected nothing more is sent: what is in the topic is unknown then, and must be looked at.
 */
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';

const BATCH_BYTES = 262_144;
/** Each send costs a request, and the processor a batch to unpack, however few records it has. */
const LINGER_MS = 25;
/** Of all Pipelines of the process together. */
const MAX_UNACKNOWLEDGED_BYTES = 4 * 1_048_576;
/** The least part. It is on its way after `LINGER_MS`, which gives 2 MiB a second. */
const LEAST_BYTES = 65_536;
/** Pipelines of this process in which something waits for its acknowledgement. */
let waiting = 0;

/** Bytes that may wait in one of so many Pipelines. */
export function unacknowledgedShare(pipelines: number): number {
  return Math.max(LEAST_BYTES, MAX_UNACKNOWLEDGED_BYTES / Math.max(1, pipelines));
}

/** A stuck partition holds the chunks that its records were cut from, however few of them are its own. */
const MAX_SPAN_BYTES = 16 * MAX_UNACKNOWLEDGED_BYTES;

export interface Sending<Place> {
  ordinal: number;
  /** Where the record starts in the input. */
  place: Place;
  record: OutRecord;
  bytes: number;
}

interface Lane<Place> {
  partition: number;
  queue: Entry<Place>[];
  queuedBytes: number;
  inFlight: Entry<Place>[];
}

interface Entry<Place> extends Sending<Place> {
  /** Bytes added before it, over all lanes. */
  before: number;
}

export interface LanesOptions {
  send(partition: number, records: readonly OutRecord[]): Promise<unknown>;
  acknowledged(records: readonly OutRecord[]): void;
  /** Called once, when the first send was rejected. */
  rejected(error: Error): void;
  maxUnacknowledgedBytes?: number;
  /** How long a record waits for others of its partition. */
  lingerMs?: number;
}

export class Lanes<Place> {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<number, Lane<Place>>();
  readonly #maxBytes: () => number;
  #added = 0;
  #unacknowledged = 0;
  #inFlight = 0;
  /** Whether this is one of `waiting`. */
  #counted = false;
  #closed = false;
  #failure: Error | null = null;
  #timer: NodeJS.Timeout | null = null;
  #changed = Promise.withResolvers<void>();

  constructor(options: LanesOptions) {
    this.#options = options;
    const { maxUnacknowledgedBytes } = options;
    this.#maxBytes = () => maxUnacknowledgedBytes ?? unacknowledgedShare(waiting);
  }

  get unacknowledgedBytes(): number {
    return this.#unacknowledged;
  }

  /** More must not be added before `room()` resolves. */
  get full(): boolean {
    return this.#failure !== null || this.#unacknowledged >= this.#maxBytes();
  }

  add(partition: number, sending: Sending<Place>): void {
    if (this.#closed || this.#failure) return; // `room` and `drained` say so
    let lane = this.#lanes.get(partition);
    if (!lane) {
      lane = { partition, queue: [], queuedBytes: 0, inFlight: [] };
      this.#lanes.set(partition, lane);
    }
    lane.queue.push({ ...sending, before: this.#added });
    lane.queuedBytes += sending.bytes;
    this.#added += sending.bytes;
    this.#unacknowledged += sending.bytes;
    this.#count();
    this.#sendOrLinger(lane);
  }

  #count(): void {
    const waits = this.#unacknowledged > 0 && !this.#closed && this.#failure === null;
    if (waits !== this.#counted) waiting += waits ? 1 : -1;
    this.#counted = waits;
  }

  #sendOrLinger(lane: Lane<Place>): void {
    if (lane.inFlight.length > 0 || lane.queue.length === 0) return; // comes again with the acknowledgement, or a record
    if (lane.queuedBytes >= BATCH_BYTES) this.#send(lane);
    else this.#timer ??= setTimeout(() => this.#flush(), this.#options.lingerMs ?? LINGER_MS);
  }

  /** The first record that is not acknowledged, or null. */
  oldest(): { ordinal: number; place: Place } | null {
    return this.#oldest();
  }

  /** Resolves when more may be added. @throws what a send was rejected with */
  async room(): Promise<void> {
    while (this.#failure === null && (this.full || this.#span() >= MAX_SPAN_BYTES)) await this.#changed.promise;
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when everything is acknowledged. @throws what a send was rejected with */
  async drained(): Promise<void> {
    while (this.#failure === null && this.#unacknowledged > 0) await this.#changed.promise;
    if (this.#failure) throw this.#failure;
  }

  /** Drops what is not on its way, and waits at most `graceMs` for what is. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#count();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), graceMs);
    while (this.#inFlight > 0 && (await Promise.race([this.#changed.promise, late.promise])) !== 'late');
    clearTimeout(timer);
  }

  #flush(): void {
    this.#timer = null;
    for (const lane of this.#lanes.values()) if (lane.inFlight.length === 0 && lane.queue.length > 0) this.#send(lane);
  }

  #send(lane: Lane<Place>): void {
    if (this.#closed || this.#failure) return;
    let count = 0;
    let bytes = 0;
    for (const entry of lane.queue) {
      if (count > 0 && bytes + entry.bytes > BATCH_BYTES) break;
      bytes += entry.bytes;
      count++;
    }
    lane.inFlight = lane.queue.splice(0, count);
    lane.queuedBytes -= bytes;
    const records = lane.inFlight.map(({ record }) => record);
    this.#inFlight++;
    this.#options
      .send(lane.partition, records)
      .then(
        () => this.#acknowledged(lane, records, bytes),
        (error: unknown) => this.#reject(error instanceof Error ? error : new Error(String(error))),
      )
      .finally(() => {
        this.#inFlight--;
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
      });
  }

  #acknowledged(lane: Lane<Place>, records: readonly OutRecord[], bytes: number): void {
    lane.inFlight = [];
    this.#unacknowledged -= bytes;
    this.#count();
    this.#options.acknowledged(records);
    if (!this.#closed && !this.#failure) this.#sendOrLinger(lane);
  }

  #reject(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#count();
    this.#options.rejected(error);
  }

  #oldest(): Entry<Place> | null {
    let oldest: Entry<Place> | null = null;
    for (const { inFlight, queue } of this.#lanes.values()) {
      const first = inFlight[0] ?? queue[0];
      if (first && (oldest === null || first.ordinal < oldest.ordinal)) oldest = first;
    }
    return oldest;
  }

  #span(): number {
    const oldest = this.#oldest();
    return oldest === null ? 0 : this.#added - oldest.before;
  }
}
