/**
 * Roll-up buckets that rows fell into. They are noted in the transaction of the rows, so that a roll-up is refreshed for
 * late and historical rows too, whatever is killed; `maintenance.ts` refreshes and forgets them.
 */
import { literal } from '@millrace/core/database/identifier.ts';
import { bucketStartMs, type Rollup } from '@millrace/core/table/rollup.ts';

/** SQL that notes the buckets of times (epoch ms) for every roll-up; null where there is nothing to note. */
export function touchedSql(pipeline: string, rollups: readonly Pick<Rollup, 'name' | 'everyMs'>[], timesMs: readonly number[]) {
  const rows = rollups.flatMap(({ name, everyMs }) => {
    const buckets = new Set(timesMs.map((timeMs) => bucketStartMs(timeMs, everyMs)));
    return [...buckets].map((bucket) => `(${literal(pipeline)}, ${literal(name)}, to_timestamp(${bucket / 1000}))`);
  });
  if (rows.length === 0) return null;
  return `INSERT INTO millrace.touched (pipeline, rollup, bucket) VALUES ${rows.join(', ')}`;
}
