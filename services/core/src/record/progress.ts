/**
 * What the processor commits beside a raw offset, in the commit's metadata (at most 4,096 bytes, the broker's
 * `offset.metadata.max.bytes`).
 *
 * Invariants:
 * - All of it is a function of the raw records before the offset, and is committed in one request with it, so that the
 *   counters are exact whatever is killed. raw = rows + refused + dropped + repeats.
 * - Totals cover every record since `since`; `hours` covers the latest of them. What is in the totals and in no hour was
 *   counted in an hour that is no longer kept.
 */
import { z } from 'zod';

const count = z.int().min(0);

const counts = {
  /** Kafka records. */
  records: count,
  /** Objects of these records; each ended in one of the other four. */
  raw: count,
  rows: count,
  refused: count,
  dropped: count,
  repeats: count,
};

/** `[epoch hour of the raw append time, how many cuts before it, records, raw, rows, refused, dropped, repeats]` */
const hour = z.tuple([z.int(), count, count, count, count, count, count, count]);

const common = {
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
};

const progress = z.strictObject({
  v: z.literal(2),
  ...common,
  /** Offset of the first record that is counted; null: none yet. */
  since: count.nullable(),
  /** Offset after the last one. Offsets between that gave no record were removed before they were read: `skippedIn`. */
  next: count.nullable(),
  ...counts,
  /** The latest hours, in order of (hour, cuts). */
  hours: z.array(hour).max(24),
});

/** As it was before hours were counted: read, never written. */
const first = z.strictObject({
  v: z.literal(1),
  ...common,
  raw: count,
  rows: count,
  refused: count,
  dropped: count,
  repeats: count,
});

export type Progress = z.infer<typeof progress>;
export type HourEntry = Progress['hours'][number];
export type ProgressCounts = Pick<Progress, keyof typeof counts>;

/** Names of the counters, in the order in which they stand in an hour's entry behind hour and cuts. */
export const COUNTERS = Object.keys(counts) as readonly (keyof ProgressCounts)[];

const MOST_HOURS = 24;
/** Bytes of the longest entry of an hour, and of the longest cut. */
const ENTRY_BYTES = 118;
const CUT_BYTES = 20;

/** How many hours fit into a commit beside so many cuts. */
export function hoursKept(cuts: number): number {
  return MOST_HOURS - Math.ceil((cuts * CUT_BYTES) / ENTRY_BYTES);
}

/** Progress at the beginning of a raw partition. */
export function freshProgress(topicId: string, processedId: string): Progress {
  return {
    v: 2,
    topicId,
    processedId,
    timestampMs: null,
    cuts: [],
    replay: null,
    since: null,
    next: null,
    records: 0,
    raw: 0,
    rows: 0,
    refused: 0,
    dropped: 0,
    repeats: 0,
    hours: [],
  };
}

/** Offsets among those counted that gave no record: retention was faster, or another tool's transaction stands there. */
export function skippedIn({ since, next, records }: Progress): number {
  return since === null || next === null ? 0 : next - since - records;
}

export function encodeProgress(value: Progress): string {
  return JSON.stringify(value);
}

/** Reads commit metadata back; null where it is not ours (another tool committed this group). */
export function decodeProgress(metadata: string): Progress | null {
  try {
    const parsed: unknown = JSON.parse(metadata);
    const result = progress.safeParse(parsed);
    if (result.success) return result.data;
    const old = first.safeParse(parsed);
    // Its records were not counted: counting them begins with the next one.
    return old.success ? { ...freshProgress('', ''), ...old.data, v: 2 } : null;
  } catch {
    return null; // not JSON: not ours, which the caller reports
  }
}
