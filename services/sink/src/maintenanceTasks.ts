/** What TimescaleDB does by its own jobs, and the sink where there is none: roll-ups of touched buckets, retention. */
import { table } from '@millrace/core/database/identifier.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { rollupsOf } from '@millrace/core/table/rollup.ts';
import { refreshTouched } from '@millrace/setup/rollups/refresh.ts';
import { enforceRetention } from '@millrace/setup/rollups/retention.ts';
import type { ServerKind } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import type { Task } from './maintenance.ts';
import { endingWith } from './session.ts';

/** How soon a touched bucket is looked for when there was nothing to do: what the tail of a roll-up waits for. */
const REFRESH_EVERY_MS = 1_000;
/** The same while this sink stores nothing: what another one touched, which refreshes it itself unless it ended. */
const IDLE_REFRESH_EVERY_MS = 10_000;
const RETENTION_EVERY_MS = 60_000;

/**
 * The tasks that this Pipeline needs; none where it has neither roll-ups nor retention.
 * @param batches how many this sink has stored so far: while it stores none, the database is hardly asked
 */
export function maintenanceTasks(pipeline: Pipeline, pool: Pool, batches: () => number): Task[] {
  const rollups = rollupsOf(pipeline);
  const { pipeline: name } = namesOf(pipeline);
  let known: ServerKind | null = null;
  const server = async (): Promise<ServerKind> => {
    known ??= await serverKind(pool, pipeline);
    return known;
  };
  let seen = -1;
  let lookedMs = Number.NEGATIVE_INFINITY;
  const refresh: Task = {
    name: 'refresh',
    everyMs: REFRESH_EVERY_MS,
    async run(signal) {
      const now = batches();
      if (now === seen && performance.now() - lookedMs < IDLE_REFRESH_EVERY_MS) return false;
      const touched = await pool.query('SELECT FROM millrace.touched WHERE pipeline = $1 LIMIT 1', [name]);
      if (touched.rowCount === 0) {
        seen = now;
        lookedMs = performance.now();
        return false;
      }
      const { remaining } = await refreshTouched(endingWith(pool, signal), pipeline, await server());
      return remaining > 0;
    },
  };
  const retention: Task = {
    name: 'retention',
    everyMs: RETENTION_EVERY_MS,
    run: async (signal) => (await enforceRetention(endingWith(pool, signal), pipeline, await server())).more,
  };
  const retains = pipeline.spec.table.retain !== undefined || rollups.some(({ retainMs }) => retainMs !== null);
  return [...(rollups.length > 0 ? [refresh] : []), ...(retains ? [retention] : [])];
}

/** How the table was made: setup makes a hypertable where TimescaleDB's jobs keep it. @throws where there is no table yet */
async function serverKind(pool: Pool, pipeline: Pipeline): Promise<ServerKind> {
  const { schema, table: name } = namesOf(pipeline);
  const { rows: found } = await pool.query(
    `SELECT to_regclass($1) IS NOT NULL AS "table", EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') AS extension`,
    [table(schema, name)],
  );
  if (found[0]?.table !== true) throw new Error(`there is no table ${schema}.${name} yet`);
  if (found[0].extension !== true) return 'postgresql';
  const { rowCount } = await pool.query(
    `SELECT FROM timescaledb_information.hypertables WHERE hypertable_schema = $1 AND hypertable_name = $2`,
    [schema, name],
  );
  return rowCount === 1 ? 'timescaledb' : 'postgresql';
}
