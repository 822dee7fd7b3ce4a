/** Buckets as SQL and as ranges of time. */
import { BUCKET_ORIGIN_MS } from '@millrace/core/table/rollup.ts';

/** Where buckets start to be counted, as an SQL expression. */
export const BUCKET_ORIGIN_SQL = `timestamptz '${new Date(BUCKET_ORIGIN_MS).toISOString()}'`;

export interface Range {
  fromMs: number;
  /** Exclusive. */
  toMs: number;
}

/** Joins buckets that stand side by side, so that each stretch of rows is read once. In any order in; ascending out. */
export function rangesOf(buckets: readonly number[], everyMs: number): Range[] {
  const ranges: Range[] = [];
  for (const fromMs of [...new Set(buckets)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.toMs === fromMs) last.toMs = fromMs + everyMs;
    else ranges.push({ fromMs, toMs: fromMs + everyMs });
  }
  return ranges;
}
