/**
 * Roll-ups: which bucket a time belongs to, and the columns of a roll-up, the same with and without TimescaleDB.
 */

import { durationMs } from '../spec/duration.ts';
import { rollupName } from '../spec/names.ts';
import type { Pipeline } from '../spec/pipeline.ts';
import { type ColumnType, columnsOf, sqlType } from './columns.ts';

/** 2000-01-03 00:00 UTC, a Monday: where TimescaleDB's `time_bucket` starts to count for intervals without months. */
export const BUCKET_ORIGIN_MS = 946_857_600_000;
export const BUCKET_COLUMN = 'bucket';

/**
 * Start of the bucket of `everyMs` milliseconds that a time falls into, both epoch ms; as `time_bucket` and `date_bin`.
 * PostgreSQL rounds to microseconds: who stores finer times cuts them first, so that row and bucket agree.
 */
export function bucketStartMs(timeMs: number, everyMs: number): number {
  return Math.floor((timeMs - BUCKET_ORIGIN_MS) / everyMs) * everyMs + BUCKET_ORIGIN_MS;
}

export interface RollupColumn {
  name: string;
  /** As SQL writes it. */
  type: string;
}

export interface Rollup {
  name: string;
  everyMs: number;
  /** null: kept for ever. */
  retainMs: number | null;
  by: string[];
  of: string[];
  /** `bucket`, the columns of `by`, then avg, min, max, count and stddev of each of `of`. */
  columns: RollupColumn[];
}

/** What is kept of each column of a roll-up: suffix, SQL function, and type (null: the column's own). */
export const STATISTICS: readonly { suffix: string; aggregate: string; type: string | null }[] = [
  { suffix: 'avg', aggregate: 'avg', type: 'double precision' },
  { suffix: 'min', aggregate: 'min', type: null },
  { suffix: 'max', aggregate: 'max', type: null },
  { suffix: 'count', aggregate: 'count', type: 'bigint' },
  { suffix: 'stddev', aggregate: 'stddev_samp', type: 'double precision' },
];

/** Columns of a roll-up over columns of the given types. @throws Error naming a column that the table does not have. */
export function rollupColumns(
  by: readonly string[],
  of: readonly string[],
  types: ReadonlyMap<string, ColumnType>,
): RollupColumn[] {
  const typeOf = (name: string): string => {
    const type = types.get(name);
    if (type === undefined)
      throw new Error(`a roll-up names the column ${JSON.stringify(name)}; the table has ${[...types.keys()].join(', ')}`);
    return sqlType(type);
  };
  return [
    { name: BUCKET_COLUMN, type: sqlType('time') },
    ...by.map((name) => ({ name, type: typeOf(name) })),
    ...of.flatMap((name) => STATISTICS.map(({ suffix, type }) => ({ name: `${name}_${suffix}`, type: type ?? typeOf(name) }))),
  ];
}

/** The roll-ups of a Pipeline. @throws Error naming a column that the table does not have. */
export function rollupsOf(pipeline: Pipeline): Rollup[] {
  const types = new Map(columnsOf(pipeline).map(({ name, type }) => [name, type]));
  return (pipeline.spec.rollups ?? []).map((rollup) => {
    const by = rollup.by ?? [pipeline.spec.record.key];
    return {
      name: rollupName(pipeline.spec.table.name, rollup.every),
      everyMs: durationMs(rollup.every),
      retainMs: rollup.retain === undefined ? null : durationMs(rollup.retain),
      by,
      of: rollup.of,
      columns: rollupColumns(by, rollup.of, types),
    };
  });
}
