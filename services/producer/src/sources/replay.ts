/** Files as a source, each record once (or, with `loop`, once per round). */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Logger } from '@millrace/core/log.ts';
import type { Checkpoint } from '@millrace/core/record/checkpoint.ts';
import { epochNsToIso } from '@millrace/core/record/time.ts';
import { durationMs } from '@millrace/core/spec/duration.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Replay } from '@millrace/core/spec/source.ts';
import { startCheckpointed } from '../checkpointed/checkpointed.ts';
import type { Input, InputRecord, Place } from '../checkpointed/input.ts';
import { opener } from '../replay/bytes.ts';
import { clockOf, MS_NS } from '../replay/clock.ts';
import { findFiles, type InputFile, identityOfAll } from '../replay/files.ts';
import { BEGINNING, readFiles } from '../replay/read.ts';
import { type PlacedPiece, readRecord, recordMaker } from '../replay/records.ts';
import type { Source } from './source.ts';

export const replay: Source = {
  async start(pipeline, context) {
    const { replay: spec } = pipeline.spec.source;
    if (!spec) throw new Error('the Pipeline has no source.replay');
    clockOf(pipeline.spec.record.time); // what cannot work is said before the start
    return startCheckpointed({
      pipeline,
      context,
      kind: 'replay',
      limit: spec.limit ?? 0,
      open: async (signal) => new Files(pipeline, spec, await findFiles(spec, context.baseFolder, signal), context.log, signal),
    });
  },
};

class Files implements Input {
  readonly kind = 'replay';
  readonly settings: string;
  readonly identity: string | null;
  readonly #pipeline: Pipeline;
  readonly #replay: Replay;
  readonly #files: readonly InputFile[];
  readonly #log: Logger;
  readonly #signal: AbortSignal;

  constructor(pipeline: Pipeline, spec: Replay, files: readonly InputFile[], log: Logger, signal: AbortSignal) {
    this.#pipeline = pipeline;
    this.#replay = spec;
    this.#files = files;
    this.#log = log;
    this.#signal = signal;
    this.settings = settingsOf(pipeline, spec);
    this.identity = identityOfAll(files);
  }

  async begin(nowMs: number): Promise<Pick<Checkpoint, 'shift'>> {
    if (this.#replay.clock === 'shift') return this.#shiftTo(nowMs);
    if ((this.#replay.clock ?? 'original') === 'original') await this.#warnOfRetention(nowMs);
    return {};
  }

  async continues({ loop, file, byte, crc }: Checkpoint): Promise<boolean> {
    if (loop > 0 || crc === undefined || file >= this.#files.length) return false;
    let sum = 0;
    for (const [at, { path }] of this.#files.slice(0, file + 1).entries()) {
      let left = at === file ? byte : Number.POSITIVE_INFINITY;
      if (left === 0) break;
      for await (const chunk of opener(path, this.#signal, this.#replay.encoding)(0)) {
        sum = crc32(chunk.subarray(0, Math.min(left, chunk.length)), sum);
        left -= chunk.length;
        if (left <= 0) break;
      }
      if (at === file && left > 0) return false;
    }
    return sum === crc;
  }

  async *records(from: Checkpoint): AsyncGenerator<readonly InputRecord[]> {
    const make = recordMaker(this.#pipeline, this.#replay, from);
    let place: Place = { ...BEGINNING, loop: from.loop, file: from.file, byte: from.byte, crc: from.crc ?? 0 };
    for (;;) {
      let seen = 0;
      for await (const pieces of this.#pieces(place)) {
        seen += pieces.length;
        if (pieces.length > 0) yield pieces.map(make);
      }
      const whole = place.file === 0 && place.byte === 0;
      // A round without a record would go on for ever.
      if (this.#replay.loop !== true || (whole && seen === 0)) return;
      place = { ...BEGINNING, loop: place.loop + 1 };
    }
  }

  #pieces(from: Place): AsyncGenerator<PlacedPiece[]> {
    return readFiles(this.#pipeline, this.#replay, this.#files, from, this.#signal);
  }

  async #warnOfRetention(nowMs: number): Promise<void> {
    if (this.#pipeline.spec.table.retain === undefined) return;
    const clock = clockOf(this.#pipeline.spec.record.time);
    for await (const pieces of this.#pieces(BEGINNING)) {
      const [first] = pieces;
      if (!first) continue;
      const timeNs = clock.read(readRecord(first.piece));
      if (timeNs !== null) this.#warnIfOlder(timeNs, nowMs, 'the first record');
      return;
    }
  }

  /** Rows older than the table keeps are removed as soon as they are stored: that must not go unseen. */
  #warnIfOlder(timeNs: bigint, nowMs: number, which: string): void {
    const { retain } = this.#pipeline.spec.table;
    if (retain === undefined || timeNs >= BigInt(nowMs - durationMs(retain)) * MS_NS) return;
    const time = epochNsToIso(timeNs);
    this.#log.warn(
      { time, retain },
      `${which} is of ${time}, older than table.retain (${retain}): such rows are removed from the table`,
    );
  }

  /** How far all times are moved so that the last one is now, and by how much more in each further round: its span. */
  async #shiftTo(nowMs: number): Promise<Pick<Checkpoint, 'shift'>> {
    this.#log.info('clock: shift: reading the times of the whole input first');
    const clock = clockOf(this.#pipeline.spec.record.time);
    let [first, last, count]: [bigint | null, bigint | null, bigint] = [null, null, 0n];
    for await (const pieces of this.#pieces(BEGINNING)) {
      for (const { piece } of pieces) {
        const timeNs = clock.read(readRecord(piece));
        if (timeNs === null) continue;
        if (first === null || timeNs < first) first = timeNs;
        if (last === null || timeNs > last) last = timeNs;
        count++;
      }
    }
    if (first === null || last === null) {
      this.#log.warn('clock: shift: no record of the input has a readable time, so that none is moved');
      return {};
    }
    const spanMs = (last - first) / MS_NS;
    const gapMs = count > 1n ? spanMs / (count - 1n) : 0n;
    const ms = nowMs - Number(last / MS_NS);
    this.#warnIfOlder(first + BigInt(ms) * MS_NS, nowMs, 'the oldest record, moved by clock: shift,');
    return { shift: { ms, loopMs: Number(spanMs + gapMs) + 1 } };
  }
}

/** Hash of all that a record and its partition depend on beside the files: not of pace, loop and limit. */
function settingsOf(pipeline: Pipeline, { format, delimiter, quote, encoding, header, skip, columns, clock }: Replay): string {
  const { key, time, fields, each } = pipeline.spec.record;
  const { from, strip } = fields[key] ?? {};
  const moved = clock === undefined || clock === 'original' ? null : { clock, time };
  const text = JSON.stringify({ format, delimiter, quote, encoding, header, skip, columns, key, from, strip, each, moved });
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
