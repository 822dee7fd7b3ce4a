/**
 * Takes over the rows of the old table before a time, as they are.
 *
 * Invariant: the rows are those of one snapshot, and the positions of the same snapshot say up to which origins they reach. A row
 * before that time which comes later is made from the raw log, like those after it. So none is missing and none is there twice.
 */
import { list, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { countsSql, latestOf } from '@millrace/core/table/latest.ts';
import { BUCKET_COLUMN, rollupsOf } from '@millrace/core/table/rollup.ts';
import { readRelation } from '@millrace/setup/relation.ts';
import { BUCKET_ORIGIN_SQL } from '@millrace/setup/rollups/bucket.ts';
import type { Server } from '@millrace/setup/server.ts';
import { inTransaction, type Session, withSession } from '@millrace/setup/session.ts';
import type { Pool } from 'pg';
import { type Plan, tablesOf } from './plan.ts';
import { isoOf } from './time.ts';

/** One statement copies all rows. */
const STATEMENT_TIMEOUT_MS = 6 * 3_600_000;

/** @returns rows. @throws Error where the old rows do not fit the new columns, or roll-ups would lose buckets */
export async function takeOver(database: Pool, plan: Plan, server: Server): Promise<number> {
  return withSession(database, STATEMENT_TIMEOUT_MS, (session) =>
    inTransaction(session, () => takeOverIn(session, plan, server), 'BEGIN ISOLATION LEVEL REPEATABLE READ'),
  );
}

export async function takeOverIn(session: Session, plan: Plan, server: Server): Promise<number> {
  const { old, shadow, key, pipeline } = plan;
  if (plan.fromMs === null) throw new Error('rows are taken over only where rows from a time on are made anew');
  const from = isoOf(plan.fromMs);
  const next = tablesOf(shadow);
  const { rows: positions } = await session.query('SELECT partition, origins FROM millrace.positions WHERE pipeline = $1', [
    pipeline,
  ]);
  const { rows: edges } = await session.query(
    `SELECT edge::text, edge > $2::timestamptz AS later FROM millrace.horizons WHERE pipeline = $1`,
    [pipeline, from],
  );
  if (edges[0]?.later === true)
    throw new Error(
      `--from is ${from}, but retention may have removed rows up to ${String(edges[0].edge)}; allowed is a later time`,
    );
  const columns = await sameColumns(session, old.schema, old.table, next.table);
  const time = quote(TIME_COLUMN);
  const source = tableName(old.schema, old.table);
  const target = tableName(next.schema, next.table);
  const { rowCount } = await session.query(
    `INSERT INTO ${target} (${columns}) SELECT ${columns} FROM ${source} WHERE ${time} < $1::timestamptz`,
    [from],
  );
  // The newest rows as they are kept first: of several with one time that table knows which came last.
  const keptColumns = await sameColumns(session, old.schema, old.latest, next.latest);
  const newest = latestOf(shadow);
  for (const [name, kept] of [
    [old.latest, keptColumns],
    [old.table, columns],
  ] as const)
    await session.query(
      `INSERT INTO ${tableName(next.schema, next.latest)} AS kept (${kept})
       SELECT DISTINCT ON (${list(newest.by)}) ${kept} FROM ${tableName(old.schema, name)} WHERE ${time} < $1::timestamptz AND ${countsSql(newest)}
        ORDER BY ${list(newest.by)}, ${time} DESC ON CONFLICT DO NOTHING`,
      [from],
    );
  await session.query(
    'INSERT INTO millrace.horizons (pipeline, edge) SELECT $1, edge FROM millrace.horizons WHERE pipeline = $2',
    [key, pipeline],
  );
  for (const rollup of rollupsOf(shadow)) {
    const every = rollup.everyMs / 1000;
    const previous = old.rollups.get(rollup.name.slice(next.table.length + 1));
    if (server.kind === 'timescaledb') {
      if (previous !== undefined) await mustHoldAllRows(session, tableName(old.schema, previous), source, every);
      continue;
    }
    if (previous !== undefined && edges[0] !== undefined)
      await session.query(
        `INSERT INTO ${tableName(next.schema, rollup.name)} (${list(rollup.columns.map(({ name }) => name))})
         SELECT ${list(rollup.columns.map(({ name }) => name))} FROM ${tableName(old.schema, previous)} WHERE ${quote(BUCKET_COLUMN)} < $1::timestamptz`,
        [String(edges[0].edge)],
      );
    await session.query(
      `INSERT INTO millrace.touched (pipeline, rollup, bucket)
       SELECT DISTINCT $1, $2, date_bin(make_interval(secs => $3), ${time}, ${BUCKET_ORIGIN_SQL}) FROM ${target}`,
      [key, rollup.name, every],
    );
  }
  const origins = Object.fromEntries(positions.map((row) => [String(row.partition), row.origins]));
  await session.query('UPDATE millrace.resets SET taken_over = $2 WHERE pipeline = $1', [
    pipeline,
    JSON.stringify({ rows: rowCount ?? 0, origins }),
  ]);
  return rowCount ?? 0;
}

/** Columns that both have, quoted. @throws Error where one was removed or has another type: an old row would not be as it was */
async function sameColumns(session: Session, schema: string, name: string, next: string): Promise<string> {
  const [old, made] = [await readRelation(session, schema, name), await readRelation(session, schema, next)];
  if (old === null || made === null) throw new Error(`the table ${schema}.${old === null ? name : next} is not there`);
  const byName = new Map(made.columns.map((column) => [column.name, column]));
  for (const column of old.columns) {
    const type = byName.get(column.name)?.type;
    if (type !== column.type)
      throw new Error(
        `Rows before --from cannot be taken over as they are: the column ${column.name} of ${schema}.${name} is ${column.type}, ${type === undefined ? 'the spec has none of that name' : `the spec asks for ${type}`}. Leave --from out, and all rows are made anew`,
      );
  }
  return list(old.columns.map((column) => column.name));
}

/** A continuous aggregate is made from rows alone: buckets whose rows are gone cannot be taken over. */
async function mustHoldAllRows(session: Session, rollup: string, rows: string, everySeconds: number): Promise<void> {
  const { rows: found } = await session.query(
    `SELECT first.bucket::text AS bucket FROM (SELECT min(${quote(BUCKET_COLUMN)}) AS bucket FROM ${rollup}) AS first
      WHERE first.bucket < (SELECT date_bin(make_interval(secs => $1), min(${quote(TIME_COLUMN)}), ${BUCKET_ORIGIN_SQL}) FROM ${rows})`,
    [everySeconds],
  );
  if (found[0] !== undefined)
    throw new Error(
      `The roll-up ${rollup} has buckets from ${String(found[0].bucket)} on, whose rows retention has removed; with TimescaleDB they cannot be taken over`,
    );
}
