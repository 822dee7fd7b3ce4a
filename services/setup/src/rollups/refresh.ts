/**
 * Refreshes what the sink's transactions touched.
 *
 * Invariants:
 * - A touched row goes in the transaction that makes its bucket anew, which reads rows and touched rows as of one moment
 *   (REPEATABLE READ): rows committed later have touched rows of their own, which stay.
 * - One refresher at a time per pipeline, the same lock as retention's: no two write one bucket, and the edge stands still.
 * - No bucket that starts before the edge (rows may be gone from there) is made anew: it would come out too small.
 */
import { list, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { BUCKET_COLUMN, type Rollup, rollupsOf } from '@millrace/core/table/rollup.ts';
import type { Pool } from 'pg';
import type { ServerKind } from '../server.ts';
import { inTransaction, type Session, tryTurn, withSession } from '../session.ts';
import { BUCKET_ORIGIN_SQL, rangesOf } from './bucket.ts';
import { selectList } from './statistics.ts';

/** Of each roll-up, in one call: bounds its time and what it holds in memory. */
const BUCKETS_PER_CALL = 200;
/** One bucket of a large table may take a while. */
const STATEMENT_TIMEOUT_MS = 300_000;
/** As far as the rest is counted. */
const COUNTED = 100_000;

/** The first parameter, epoch seconds, as times. */
const TIMES = 'SELECT to_timestamp(s) FROM unnest($1::float8[]) AS s';

/** Name of the advisory lock under which buckets are made anew and old rows removed. */
export function maintenanceLock(pipeline: string): string {
  return `millrace maintenance ${pipeline}`;
}

export interface Refreshed {
  /** Buckets that were made anew. */
  refreshed: number;
  /** Touched rows that are left, counted up to 100,000: call again. 0 also where another process is at it. */
  remaining: number;
}

/**
 * Makes a bounded number of touched buckets anew, the newest first. With TimescaleDB the continuous aggregate's policy
 * covers all that the table retains, so the touched rows are only removed.
 */
export async function refreshTouched(database: Pool, pipeline: Pipeline, server: ServerKind): Promise<Refreshed> {
  return withSession(database, STATEMENT_TIMEOUT_MS, (session) => refreshIn(session, pipeline, server));
}

/** `refreshTouched` on a given session. */
export async function refreshIn(session: Session, pipeline: Pipeline, server: ServerKind): Promise<Refreshed> {
  const { pipeline: name, schema, table } = namesOf(pipeline);
  if (!(await tryTurn(session, maintenanceLock(name)))) return { refreshed: 0, remaining: 0 };
  if (server === 'timescaledb') {
    await session.query('DELETE FROM millrace.touched WHERE pipeline = $1', [name]);
    return { refreshed: 0, remaining: 0 };
  }
  let refreshed = 0;
  const rollups = rollupsOf(pipeline);
  for (const rollup of rollups) {
    const refresh = () => refreshRollup(session, name, tableName(schema, table), tableName(schema, rollup.name), rollup);
    refreshed += await inTransaction(session, refresh, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
  }
  const { rows } = await session.query(
    `SELECT count(*) AS count FROM (SELECT FROM millrace.touched WHERE pipeline = $1 AND rollup = ANY($2) LIMIT ${COUNTED}) AS t`,
    [name, rollups.map((rollup) => rollup.name)],
  );
  return { refreshed, remaining: Number(rows[0]?.count) };
}

async function refreshRollup(
  session: Session,
  pipeline: string,
  source: string,
  target: string,
  rollup: Rollup,
): Promise<number> {
  const { rows } = await session.query(
    `SELECT extract(epoch FROM bucket)::float8 * 1000 AS ms,
            bucket >= coalesce((SELECT edge FROM millrace.horizons WHERE pipeline = $1), '-infinity') AS whole
       FROM (SELECT DISTINCT bucket FROM millrace.touched WHERE pipeline = $1 AND rollup = $2 ORDER BY bucket DESC LIMIT ${BUCKETS_PER_CALL}) AS t`,
    [pipeline, rollup.name],
  );
  if (rows.length === 0) return 0;
  const touched = rows.map(({ ms }) => Number(ms));
  const whole = rows.filter((row) => row.whole === true).map(({ ms }) => Number(ms));
  const ranges = rangesOf(whole, rollup.everyMs);
  // Epoch seconds, since ISO text ends at the year 9999 and a device's clock does not.
  const times = (values: number[]) => values.map((ms) => ms / 1000);
  await session.query(`DELETE FROM ${target} WHERE ${quote(BUCKET_COLUMN)} IN (${TIMES})`, [times(whole)]);
  const time = quote(TIME_COLUMN);
  const groups = [1, ...rollup.by.map((_, index) => index + 2)].join(', ');
  await session.query(
    `INSERT INTO ${target} (${list(rollup.columns.map(({ name }) => name))})
     SELECT rolled.* FROM unnest($1::float8[], $2::float8[]) AS span (from_s, to_s)
      CROSS JOIN LATERAL (
        SELECT date_bin(make_interval(secs => $3), ${time}, ${BUCKET_ORIGIN_SQL}), ${selectList(rollup)}
          FROM ${source} WHERE ${time} >= to_timestamp(span.from_s) AND ${time} < to_timestamp(span.to_s) GROUP BY ${groups}) AS rolled`,
    [times(ranges.map(({ fromMs }) => fromMs)), times(ranges.map(({ toMs }) => toMs)), rollup.everyMs / 1000],
  );
  await session.query(`DELETE FROM millrace.touched WHERE bucket IN (${TIMES}) AND pipeline = $2 AND rollup = $3`, [
    times(touched),
    pipeline,
    rollup.name,
  ]);
  return whole.length;
}
