/** From pieces of files to the records that are sent: place, key, pace and clock. */
import type { Checkpoint } from '@millrace/core/record/checkpoint.ts';
import { JsonError, parseJson, stringifyJson } from '@millrace/core/record/json.ts';
import { RECORD_LIMITS } from '@millrace/core/record/jsonScan.ts';
import { oversizeOf } from '@millrace/core/record/raw.ts';
import { maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import { durationMs } from '@millrace/core/spec/duration.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Replay } from '@millrace/core/spec/source.ts';
import type { InputRecord, MadeRecord, Place } from '../checkpointed/input.ts';
import { hashKey, keyReader } from '../send/key.ts';
import { clockOf, MS_NS } from './clock.ts';
import { keptBytes, type Piece } from './piece.ts';

/** A piece of a file, and where in the whole input it stands. */
export interface PlacedPiece {
  piece: Piece;
  name: string;
  next: Place;
}

/** Makes the function that turns pieces, in order, into records of the run of this checkpoint. */
export function recordMaker(
  pipeline: Pipeline,
  replay: Replay,
  { shift }: Pick<Checkpoint, 'shift'>,
): (placed: PlacedPiece) => InputRecord {
  const keyOf = keyReader(pipeline);
  const clock = clockOf(pipeline.spec.record.time);
  const maxBytes = maxRecordBytesOf(pipeline);
  const { interval, multiplier } = replay.pace ?? {};
  const gapMs = interval === undefined ? 0 : durationMs(interval);
  let previousNs: bigint | null = null;

  /** The original gap, shortened; none backwards, and none where a time is missing. */
  function gapBefore(record: unknown): number {
    if (multiplier === undefined) return gapMs;
    const timeNs = clock.read(record);
    const gapNs = timeNs === null || previousNs === null ? 0n : timeNs - previousNs;
    if (timeNs !== null) previousNs = timeNs;
    return gapNs > 0n ? Number(gapNs / 1_000n) / 1_000 / multiplier : 0;
  }

  function make({ piece, name, next }: PlacedPiece, record: unknown, nowMs: number): MadeRecord {
    const place = `at byte ${piece.start} of ${name}`;
    const { bytes, unreadable } = piece;
    if (piece.oversize) {
      const message = tooLarge(place, `${piece.oversize.length} bytes`);
      return { key: hashKey(bytes), value: bytes, unreadable: { message, oversize: piece.oversize } };
    }
    if (unreadable !== undefined)
      return { key: hashKey(bytes), value: Buffer.from(bytes), unreadable: { message: `${place}: ${unreadable}` } };
    // Before the clock is set: what is no device key is hashed as it stands in the file.
    const key = keyOf(record, bytes);
    const moved = move(record, nowMs, next.loop);
    // The bytes of a chunk are many records': a copy lets go of the others.
    const value = piece.row
      ? Buffer.from(JSON.stringify(record))
      : moved
        ? Buffer.from(stringifyJson(record))
        : Buffer.from(bytes);
    if (value.length <= maxBytes) return { key, value };
    const message = tooLarge(place, `${value.length} bytes as JSON`);
    const beginning = Buffer.from(value.subarray(0, keptBytes(maxBytes)));
    return { key, value: beginning, unreadable: { message, oversize: oversizeOf(value) } };
  }

  function tooLarge(place: string, found: string): string {
    return `the record ${place} has ${found}; allowed are at most ${maxBytes} (spec.record.maxBytes)`;
  }

  function move(record: unknown, nowMs: number, loop: number): boolean {
    if (record === undefined || (replay.clock ?? 'original') === 'original') return false;
    if (replay.clock === 'now') {
      clock.write(record, BigInt(nowMs) * MS_NS);
      return true;
    }
    const timeNs = clock.read(record);
    if (timeNs === null || !shift) return false;
    clock.write(record, timeNs + BigInt(shift.ms + loop * shift.loopMs) * MS_NS);
    return true;
  }

  return (placed) => {
    let record: unknown;
    let read = false;
    const get = (): unknown => {
      if (!read) record = readRecord(placed.piece);
      read = true;
      return record;
    };
    const gap = multiplier === undefined ? gapMs : gapBefore(get());
    return { next: placed.next, gapMs: gap, make: (nowMs) => make(placed, get(), nowMs) };
  };
}

/** The parsed record; undefined where it is none that can be read. */
export function readRecord({ row, bytes, unreadable, oversize }: Piece): unknown {
  if (row) return row;
  if (unreadable !== undefined || oversize) return undefined;
  try {
    return parseJson(bytes, RECORD_LIMITS);
  } catch (error) {
    if (error instanceof JsonError) return undefined; // goes on as it is; the processor refuses it, with this reason
    throw error;
  }
}
