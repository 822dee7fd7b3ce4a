/**
 * What the processor commits beside a raw offset, in the commit's metadata (at most 4,096 bytes, the broker's
 * `offset.metadata.max.bytes`).
 *
 * Invariant: all of it is a function of the raw records before the offset, and is committed in one request with it, so
 * that the counters are exact whatever is killed. raw = records; each ended in rows, refused, dropped or repeats.
 */
import { z } from 'zod';

const count = z.int().min(0);

const progress = z.strictObject({
  v: z.literal(1),
  /** Topic id under which the offset counts; commits are ignored under another. */
  topicId: z.string(),
  /** Topic id of the processed topic that the rows before the offset went to: under another one they are sent again. */
  processedId: z.string(),
  /** Append time of the record before the offset: the bookmark. null: none before it. */
  timestampMs: z.number().nullable(),
  /**
   * Where the raw log was cut under the same id: append times of the last record known before each cut. Records
   * appended later than cut n get the origin `<topic id>~<n>`, since their offsets were used before.
   */
  cuts: z.array(z.number()).max(64),
  /** Last replay position seen, by which repeats of a replay are told; null where there was none. */
  replay: z.strictObject({ run: z.string(), ordinal: count }).nullable(),
  raw: count,
  rows: count,
  refused: count,
  dropped: count,
  repeats: count,
});

export type Progress = z.infer<typeof progress>;

/** Progress at the beginning of a raw partition. */
export function freshProgress(topicId: string, processedId: string): Progress {
  return {
    v: 1,
    topicId,
    processedId,
    timestampMs: null,
    cuts: [],
    replay: null,
    raw: 0,
    rows: 0,
    refused: 0,
    dropped: 0,
    repeats: 0,
  };
}

export function encodeProgress(value: Progress): string {
  return JSON.stringify(value);
}

/** Reads commit metadata back; null where it is not ours (another tool committed this group). */
export function decodeProgress(metadata: string): Progress | null {
  try {
    const result = progress.safeParse(JSON.parse(metadata));
    return result.success ? result.data : null;
  } catch {
    return null; // not JSON: not ours, which the caller reports
  }
}
