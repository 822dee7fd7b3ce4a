/** TimescaleDB's background jobs on a table: added, changed or taken away to match what is wanted. */
import { quote, table as tableName } from '@millrace/core/database/identifier.ts';
import type { Session } from './session.ts';

const KINDS = {
  retention: { job: 'policy_retention', add: 'add_retention_policy', remove: 'remove_retention_policy' },
  compression: { job: 'policy_compression', add: 'add_compression_policy', remove: 'remove_compression_policy' },
  refresh: {
    job: 'policy_refresh_continuous_aggregate',
    add: 'add_continuous_aggregate_policy',
    remove: 'remove_continuous_aggregate_policy',
  },
} as const;

export interface WantedPolicy {
  schema: string;
  /** A hypertable or continuous aggregate. */
  relation: string;
  kind: keyof typeof KINDS;
  /** Intervals in ms by argument (null: without a limit), as the job keeps them in its configuration; null: no such job. */
  arguments: Record<string, number | null> | null;
  /** How often it runs; default: TimescaleDB's own choice. */
  scheduleMs?: number;
}

/** Brings one policy to what is wanted; `functions` is the schema of TimescaleDB's functions. */
export async function reconcilePolicy(
  session: Session,
  functions: string,
  changes: string[],
  wanted: WantedPolicy,
): Promise<void> {
  const { job, add, remove } = KINDS[wanted.kind];
  const place = `${wanted.schema}.${wanted.relation}`;
  const regclass = tableName(wanted.schema, wanted.relation);
  const call = (name: string) => tableName(functions, name);
  const args = wanted.arguments ?? {};
  const found = await session.query(
    `SELECT extract(epoch FROM schedule_interval)::float8 * 1000 AS schedule_ms,
            (SELECT jsonb_object_agg(key, extract(epoch FROM value::interval)::float8 * 1000)
               FROM jsonb_each_text(config) WHERE key = ANY($3)) AS arguments
       FROM timescaledb_information.jobs AS j
      WHERE proc_name = $4 AND (hypertable_schema, hypertable_name) IN (
              SELECT $1::text, $2::text
              UNION ALL
              SELECT materialization_hypertable_schema, materialization_hypertable_name
                FROM timescaledb_information.continuous_aggregates WHERE view_schema = $1 AND view_name = $2)`,
    [wanted.schema, wanted.relation, Object.keys(args), job],
  );
  const current = found.rows[0];
  if (current !== undefined && wanted.arguments !== null) {
    const now = (current.arguments ?? {}) as Record<string, number | null>;
    const same = Object.entries(args).every(([name, ms]) => (now[name] ?? null) === ms);
    if (same && (wanted.scheduleMs === undefined || Number(current.schedule_ms) === wanted.scheduleMs)) return;
  }
  if (current !== undefined) {
    await session.query(`SELECT ${call(remove)}($1::regclass)`, [regclass]);
    if (wanted.arguments === null) changes.push(`removed the ${wanted.kind} policy of ${place}`);
  }
  if (wanted.arguments === null) return;
  const named = Object.entries(args);
  if (wanted.scheduleMs !== undefined) named.push(['schedule_interval', wanted.scheduleMs]);
  const values: unknown[] = [regclass];
  const sql = named.map(([name, ms]) => {
    if (ms === null) return `${quote(name)} => NULL::interval`;
    values.push(ms / 1000);
    return `${quote(name)} => make_interval(secs => $${values.length})`;
  });
  await session.query(`SELECT ${call(add)}($1::regclass, ${sql.join(', ')})`, values);
  changes.push(`${current === undefined ? 'added' : 'changed'} the ${wanted.kind} policy of ${place}`);
}
