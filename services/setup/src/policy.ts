/** TimescaleDB's background jobs on a table: added, changed or taken away to match what is wanted. */
import { quote, table as tableName } from '@millrace/core/database/identifier.ts';
import type { Session } from './session.ts';

const KINDS = {
  retention: {
    job: 'policy_retention',
    add: 'add_retention_policy',
    remove: 'remove_retention_policy',
    intervals: ['drop_after'],
    counts: [],
  },
  compression: {
    job: 'policy_compression',
    add: 'add_compression_policy',
    remove: 'remove_compression_policy',
    intervals: ['compress_after'],
    counts: [],
  },
  refresh: {
    job: 'policy_refresh_continuous_aggregate',
    add: 'add_continuous_aggregate_policy',
    remove: 'remove_continuous_aggregate_policy',
    intervals: ['start_offset', 'end_offset'],
    counts: ['buckets_per_batch', 'max_batches_per_execution'],
  },
} as const;

export interface PolicyPlace {
  schema: string;
  /** A hypertable or continuous aggregate. */
  relation: string;
  kind: keyof typeof KINDS;
}

export interface WantedPolicy extends PolicyPlace {
  /** Intervals in ms by argument, as the job keeps them in its configuration (null: without a limit); null: no such job. */
  arguments: Record<string, number | null> | null;
  /** How often it runs. Default: TimescaleDB's own choice. */
  scheduleMs?: number;
  /** Whole numbers by argument; one that this version of TimescaleDB does not know is left out. */
  counts?: Record<string, number>;
}

export interface FoundPolicy {
  scheduleMs: number;
  /** Intervals of the job's configuration in ms, by argument; null: without a limit. */
  arguments: Record<string, number | null>;
  /** Whole numbers of the job's configuration, by argument; null: TimescaleDB's default. */
  counts: Record<string, number | null>;
}

/** The policy as it is; null where there is none. Versions differ in whether a job names an aggregate or its hypertable. */
export async function readPolicy(session: Session, { schema, relation, kind }: PolicyPlace): Promise<FoundPolicy | null> {
  const { rows } = await session.query(
    `SELECT extract(epoch FROM schedule_interval)::float8 * 1000 AS schedule_ms,
            (SELECT jsonb_object_agg(key, extract(epoch FROM value::interval)::float8 * 1000)
               FROM jsonb_each_text(config) WHERE key = ANY($4)) AS arguments,
            (SELECT jsonb_object_agg(key, value::int) FROM jsonb_each_text(config) WHERE key = ANY($5)) AS counts
       FROM timescaledb_information.jobs
      WHERE proc_name = $3 AND (hypertable_schema, hypertable_name) IN (
              SELECT $1::text, $2::text
              UNION ALL
              SELECT materialization_hypertable_schema, materialization_hypertable_name
                FROM timescaledb_information.continuous_aggregates WHERE view_schema = $1 AND view_name = $2)`,
    [schema, relation, KINDS[kind].job, KINDS[kind].intervals, KINDS[kind].counts],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const all = (names: readonly string[], found: unknown) =>
    Object.fromEntries(names.map((name) => [name, (found as Record<string, number | null> | null)?.[name] ?? null]));
  const { intervals, counts } = KINDS[kind];
  return {
    scheduleMs: Number(row.schedule_ms),
    arguments: all(intervals, row.arguments),
    counts: all(counts, row.counts),
  };
}

/** Those counts that a function of TimescaleDB takes: `buckets_per_batch` came with 2.19. */
async function knownCounts(session: Session, functions: string, name: string, counts: Record<string, number>) {
  const { rows } = await session.query(
    `SELECT DISTINCT unnest(p.proargnames) AS argument FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = $1 AND p.proname = $2`,
    [functions, name],
  );
  const known = new Set(rows.map(({ argument }) => String(argument)));
  return Object.entries(counts).filter(([argument]) => known.has(argument));
}

/** Brings one policy to what is wanted; `functions` is the schema of TimescaleDB's functions. */
export async function reconcilePolicy(
  session: Session,
  functions: string,
  changes: string[],
  wanted: WantedPolicy,
): Promise<void> {
  const { add, remove } = KINDS[wanted.kind];
  const place = `${wanted.schema}.${wanted.relation}`;
  const regclass = tableName(wanted.schema, wanted.relation);
  const call = (name: string) => tableName(functions, name);
  const found = await readPolicy(session, wanted);
  const counts = await knownCounts(session, functions, add, wanted.counts ?? {});
  if (found !== null && wanted.arguments !== null) {
    const same =
      Object.entries(wanted.arguments).every(([name, ms]) => found.arguments[name] === ms) &&
      counts.every(([name, count]) => found.counts[name] === count);
    if (same && (wanted.scheduleMs === undefined || found.scheduleMs === wanted.scheduleMs)) return;
  }
  if (found !== null) await session.query(`SELECT ${call(remove)}($1::regclass)`, [regclass]);
  if (wanted.arguments === null) {
    if (found !== null) changes.push(`removed the ${wanted.kind} policy of ${place}`);
    return;
  }
  const named = Object.entries(wanted.arguments);
  if (wanted.scheduleMs !== undefined) named.push(['schedule_interval', wanted.scheduleMs]);
  const values: unknown[] = [regclass];
  const sql = named.map(([name, ms]) => {
    if (ms === null) return `${quote(name)} => NULL::interval`;
    values.push(ms / 1000);
    return `${quote(name)} => make_interval(secs => $${values.length})`;
  });
  sql.push(...counts.map(([name, count]) => `${quote(name)} => ${count}`));
  await session.query(`SELECT ${call(add)}($1::regclass, ${sql.join(', ')})`, values);
  changes.push(`${found === null ? 'added' : 'changed'} the ${wanted.kind} policy of ${place}`);
}
