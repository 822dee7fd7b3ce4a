/**
 * One pass over the input, from a checkpoint until it ends, something fails, or it is told to stop.
 *
 * Invariants:
 * - What `checkpoint()` gives never names a later record than the oldest that is not acknowledged.
 * - A record up to the last one of the run in its partition is in the topic, and is not sent again.
 */
import { guarded } from '@millrace/core/guards.ts';
import type { Sender } from '@millrace/core/kafka/kafka.ts';
import { partitionOf } from '@millrace/core/kafka/partition.ts';
import type { Checkpoint } from '@millrace/core/record/checkpoint.ts';
import { countAcknowledged, type ProducerMetrics } from '../metrics.ts';
import { InputError } from '../replay/piece.ts';
import { Lanes } from '../send/lanes.ts';
import type { Input, InputRecord, Place } from './input.ts';
import { rawRecord } from './outgoing.ts';
import { Pacer } from './pace.ts';

export interface PassOptions {
  input: Input;
  /** Where to begin. */
  start: Checkpoint;
  /** Partitions over which keys are spread, and the ordinal at which this pass ends. */
  partitions: number;
  until: number;
  /** Highest ordinal of the run by partition of the raw topic. */
  last: readonly number[];
  /** Stop after this many records of the run; 0: all. */
  limit: number;
  raw: string;
  sender: Sender;
  metrics: ProducerMetrics;
  labels: { pipeline: string; source: string };
}

export class Pass {
  readonly #options: PassOptions;
  readonly #lanes: Lanes<{ ordinal: number; at: Place }>;
  readonly #pacer = new Pacer();
  /** Ends reading and waiting when a send was rejected. */
  readonly #broken = new AbortController();
  #ordinal: number;
  #place: Place;
  #ended = false;

  constructor(options: PassOptions) {
    this.#options = options;
    const { metrics, labels, raw, sender, start } = options;
    this.#ordinal = start.ordinal;
    this.#place = placeOf(start);
    this.#lanes = new Lanes({
      send: (partition, records) => sender.send(raw, partition, records, start.topicId),
      rejected: (error) => this.#broken.abort(error),
      acknowledged: (records) => countAcknowledged(metrics, labels, records),
    });
  }

  /** Ordinal of the next record to be read: the records of the run so far. */
  get ordinal(): number {
    return this.#ordinal;
  }

  get unacknowledgedBytes(): number {
    return this.#lanes.unacknowledgedBytes;
  }

  checkpoint(): Checkpoint {
    const { start, partitions } = this.#options;
    const oldest = guarded('checkpoint-after-acks') ? this.#lanes.oldest() : null;
    const { crc, ...place } = oldest?.at ?? this.#place;
    return {
      ...start,
      partitions,
      ...place,
      ordinal: oldest?.ordinal ?? this.#ordinal,
      ...(crc === undefined ? {} : { crc }),
      completed: this.#ended && oldest === null,
    };
  }

  /**
   * Reads and sends; resolves when all is acknowledged.
   * @returns whether the input has ended (or its limit is reached); false: at `until`
   * @throws InputError after all that was read is acknowledged; what a send was rejected with; the signal's reason
   */
  async run(signal: AbortSignal): Promise<boolean> {
    const either = AbortSignal.any([signal, this.#broken.signal]);
    let ended: boolean;
    try {
      ended = await this.#read(either);
    } catch (error) {
      if (error instanceof InputError) await this.#drained(either);
      throw error;
    }
    await this.#drained(either);
    this.#ended = ended;
    return ended;
  }

  /** Gives up what is not on its way, and waits for what is. */
  close(graceMs: number): Promise<void> {
    return this.#lanes.close(graceMs);
  }

  async #read(signal: AbortSignal): Promise<boolean> {
    const { input, start, until, limit } = this.#options;
    const last = limit > 0 ? limit : Number.POSITIVE_INFINITY;
    if (this.#ordinal >= last) return true;
    for await (const records of input.records(start)) {
      await this.#lanes.room();
      for (const record of records) {
        if (this.#ordinal >= until) return false;
        if (record.gapMs > 0 && this.#pacer.isEarly(record.gapMs)) await this.#pacer.wait(signal);
        signal.throwIfAborted();
        this.#send(record);
        if (this.#ordinal >= last) return true;
        if (this.#lanes.full) await this.#lanes.room();
      }
    }
    return true;
  }

  #send(record: InputRecord): void {
    const { start, partitions, last, metrics, labels } = this.#options;
    const nowMs = Date.now();
    const made = record.make(nowMs);
    const partition = partitionOf(made.key, partitions);
    if (this.#ordinal <= (last[partition] ?? -1)) {
      metrics.skipped.inc(labels);
    } else {
      const position = { run: start.run, ordinal: this.#ordinal };
      const sent = rawRecord(made, { source: labels.source, nowMs, position });
      this.#lanes.add(partition, sent, { ordinal: this.#ordinal, at: this.#place });
    }
    this.#place = record.next;
    this.#ordinal++;
  }

  async #drained(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#lanes.drained(), aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      aborted.promise.catch(() => undefined); // nobody waits for it any more
    }
  }
}

function placeOf({ loop, file, byte, crc }: Checkpoint): Place {
  return crc === undefined ? { loop, file, byte } : { loop, file, byte, crc };
}
