/**
 * Removes rows that are older than the spec's `retain`, where there is no TimescaleDB to drop chunks.
 *
 * Invariants:
 * - The edge is stored before any row before it is deleted, and only moves forward: every roll-up bucket from the edge
 *   on is whole.
 * - What is deleted from the table is counted in the transaction that deletes it.
 * - The edge stays before every bucket that waits to be made anew: no row goes before its roll-ups have it.
 */
import { quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { durationMs } from '@millrace/core/spec/duration.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { BUCKET_COLUMN, bucketStartMs, type Rollup, rollupsOf } from '@millrace/core/table/rollup.ts';
import type { Pool } from 'pg';
import type { ServerKind } from '../server.ts';
import { type Session, tryTurn, withSession } from '../session.ts';
import { maintenanceLock } from './refresh.ts';

const ROWS_PER_DELETE = 10_000;
const DELETES_PER_CALL = 20;
const STATEMENT_TIMEOUT_MS = 120_000;

export interface Retained {
  /** Rows of the table and of roll-ups. */
  removed: number;
  /** There may be more to remove: call again. */
  more: boolean;
}

/** The time before which rows may go: the start of the bucket that `retainMs` before now falls into, of the roll-up where it is earliest. */
export function edgeMs(nowMs: number, retainMs: number, rollups: readonly Pick<Rollup, 'everyMs'>[]): number {
  const horizon = nowMs - retainMs;
  return Math.min(horizon, ...rollups.map(({ everyMs }) => bucketStartMs(horizon, everyMs)));
}

/** Removes a bounded number of rows in short transactions. Nothing to do with TimescaleDB, whose jobs drop chunks. */
export async function enforceRetention(database: Pool, pipeline: Pipeline, server: ServerKind): Promise<Retained> {
  if (server === 'timescaledb') return { removed: 0, more: false };
  return withSession(database, STATEMENT_TIMEOUT_MS, (session) => enforceIn(session, pipeline));
}

async function enforceIn(session: Session, pipeline: Pipeline): Promise<Retained> {
  const names = namesOf(pipeline);
  if (!(await tryTurn(session, maintenanceLock(names.pipeline)))) return { removed: 0, more: false };
  const { rows } = await session.query('SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms');
  const nowMs = Number(rows[0]?.ms);
  const rollups = rollupsOf(pipeline);
  const old: { target: string; condition: string; before: string; counted?: true }[] = [];
  const { retain } = pipeline.spec.table;
  if (retain !== undefined) {
    const edge = await moveEdge(session, names.pipeline, edgeMs(nowMs, durationMs(retain), rollups), rollups);
    old.push({ target: tableName(names.schema, names.table), condition: quote(TIME_COLUMN), before: edge, counted: true });
  }
  for (const rollup of rollups) {
    if (rollup.retainMs === null) continue;
    const before = new Date(nowMs - rollup.retainMs - rollup.everyMs).toISOString();
    old.push({ target: tableName(names.schema, rollup.name), condition: quote(BUCKET_COLUMN), before });
  }
  let removed = 0;
  let deletes = 0;
  for (const { target, condition, before, counted } of old) {
    for (let rowCount = ROWS_PER_DELETE; rowCount === ROWS_PER_DELETE; deletes++) {
      if (deletes === DELETES_PER_CALL) return { removed, more: true };
      rowCount = await deleteSome(session, target, condition, before, counted ? names.pipeline : null);
      removed += rowCount;
    }
  }
  return { removed, more: false };
}

/** @param countedFor the pipeline whose table this is: what is deleted is noted beside its edge, for the audit */
async function deleteSome(
  session: Session,
  target: string,
  condition: string,
  before: string,
  countedFor: string | null,
): Promise<number> {
  const { rows } = await session.query(
    `WITH gone AS (
       DELETE FROM ${target} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${target} WHERE ${condition} < $1::timestamptz LIMIT ${ROWS_PER_DELETE}))
       RETURNING 1),
     noted AS (UPDATE millrace.horizons SET expired = expired + (SELECT count(*) FROM gone) WHERE pipeline = $2)
     SELECT count(*) AS removed FROM gone`,
    [before, countedFor],
  );
  return Number(rows[0]?.removed);
}

/** Stores and returns the edge: as wanted, but not past a touched bucket that waits, and never backwards. */
async function moveEdge(session: Session, pipeline: string, wantedMs: number, rollups: readonly Rollup[]): Promise<string> {
  const { rows } = await session.query(
    `INSERT INTO millrace.horizons AS h (pipeline, edge)
     SELECT $1, least($2::timestamptz, (
              SELECT min(bucket) FROM millrace.touched
               WHERE pipeline = $1 AND rollup = ANY($3)
                 AND bucket >= coalesce((SELECT edge FROM millrace.horizons WHERE pipeline = $1), '-infinity')))
     ON CONFLICT (pipeline) DO UPDATE SET edge = greatest(h.edge, excluded.edge)
     RETURNING to_char(edge AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS edge`,
    [pipeline, new Date(wantedMs).toISOString(), rollups.map(({ name }) => name)],
  );
  return String(rows[0]?.edge);
}
