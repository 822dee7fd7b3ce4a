/**
 * Sends records in order, one lane per partition.
 *
 * Invariants:
 * - One send per lane is in flight; several lanes send at a time.
 * - Memory is bounded (`room.ts`): while it is `full` no more is to be added. What may wait is the process's, in equal parts for
 *   those in which something waits.
 * - Nothing waits for a next record: a lane sends when it has a batch's worth, or `LINGER_MS` after its first record or after the
 *   acknowledgement of the send before.
 * - After one send was rejected nothing more is sent: what is in the topic is unknown then, and must be looked at.
 */
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import { bytesOf, isFull } from './room.ts';

const BATCH_BYTES = 262_144;
/** Each send costs a request, and the processor a batch to unpack, however few records it has. */
const LINGER_MS = 25;
/** Pipelines of this process in which something waits for its acknowledgement. */
let waiting = 0;

interface Lane<Place> {
  partition: number;
  queue: Entry<Place>[];
  queuedBytes: number;
  inFlight: Entry<Place>[];
}

interface Entry<Place> {
  record: OutRecord;
  place: Place;
  bytes: number;
  /** Bytes added before it, over all lanes. */
  before: number;
}

export interface LanesOptions {
  send(partition: number, records: readonly OutRecord[]): Promise<unknown>;
  acknowledged(records: readonly OutRecord[]): void;
  /** Called once, when the first send was rejected. */
  rejected(error: Error): void;
  /** How long a record waits for others of its partition. */
  lingerMs?: number;
}

export class Lanes<Place> {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<number, Lane<Place>>();
  #added = 0;
  #unacknowledgedBytes = 0;
  /** The first that is not acknowledged. */
  #oldest: Entry<Place> | null = null;
  #inFlight = 0;
  /** Whether this is one of `waiting`. */
  #counted = false;
  #closed = false;
  #failure: Error | null = null;
  #timer: NodeJS.Timeout | null = null;
  #changed = Promise.withResolvers<void>();

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  get unacknowledgedBytes(): number {
    return this.#unacknowledgedBytes;
  }

  /** More must not be added before `room()` resolves. */
  get full(): boolean {
    if (this.#failure !== null) return true;
    const spanBytes = this.#oldest === null ? 0 : this.#added - this.#oldest.before;
    return isFull({ unacknowledgedBytes: this.#unacknowledgedBytes, spanBytes }, waiting);
  }

  /** @param place what `oldest` says of this record */
  add(partition: number, record: OutRecord, place: Place): void {
    if (this.#closed || this.#failure) return; // `room` and `drained` say so
    let lane = this.#lanes.get(partition);
    if (!lane) {
      lane = { partition, queue: [], queuedBytes: 0, inFlight: [] };
      this.#lanes.set(partition, lane);
    }
    const bytes = bytesOf(record);
    const entry = { record, place, bytes, before: this.#added };
    this.#oldest ??= entry;
    lane.queue.push(entry);
    lane.queuedBytes += bytes;
    this.#added += bytes;
    this.#unacknowledgedBytes += bytes;
    this.#count();
    this.#sendOrLinger(lane);
  }

  #count(): void {
    const waits = this.#unacknowledgedBytes > 0 && !this.#closed && this.#failure === null;
    if (waits !== this.#counted) waiting += waits ? 1 : -1;
    this.#counted = waits;
  }

  #sendOrLinger(lane: Lane<Place>): void {
    if (lane.inFlight.length > 0 || lane.queue.length === 0) return; // comes again with the acknowledgement, or a record
    if (lane.queuedBytes >= BATCH_BYTES) this.#send(lane);
    else this.#timer ??= setTimeout(() => this.#flush(), this.#options.lingerMs ?? LINGER_MS);
  }

  /** Place of the first record that is not acknowledged, or null. */
  oldest(): Place | null {
    return this.#oldest?.place ?? null;
  }

  /** Resolves when more may be added. @throws what a send was rejected with */
  async room(): Promise<void> {
    while (this.#failure === null && this.full) await this.#changed.promise;
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when everything is acknowledged. @throws what a send was rejected with */
  async drained(): Promise<void> {
    while (this.#failure === null && this.#oldest !== null) await this.#changed.promise;
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
    this.#unacknowledgedBytes -= bytes;
    this.#oldest = this.#findOldest();
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

  #findOldest(): Entry<Place> | null {
    let oldest: Entry<Place> | null = null;
    for (const { inFlight, queue } of this.#lanes.values()) {
      const first = inFlight[0] ?? queue[0];
      if (first && (oldest === null || first.before < oldest.before)) oldest = first;
    }
    return oldest;
  }
}
