/** How many rows the old and the new table have, for a person to decide by. */
import { quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { withSession } from '@millrace/setup/session.ts';
import type { Pool } from 'pg';
import { type Plan, tablesOf } from './plan.ts';

export interface DayCount {
  /** `2026-01-31`, in UTC. */
  day: string;
  old: number;
  new: number;
}

const STATEMENT_TIMEOUT_MS = 3_600_000;

/** Rows by day of their time, in order. Reads both tables whole; the old one goes on growing meanwhile. */
export async function countByDay(database: Pool, { old, shadow }: Plan): Promise<DayCount[]> {
  const next = tablesOf(shadow);
  const days = (schema: string, name: string) =>
    `(SELECT date_trunc('day', ${quote(TIME_COLUMN)}) AS day, count(*) AS n FROM ${tableName(schema, name)} GROUP BY 1)`;
  return withSession(database, STATEMENT_TIMEOUT_MS, async (session) => {
    const { rows } = await session.query(
      `SELECT to_char(day, 'YYYY-MM-DD') AS day, coalesce(was.n, 0)::text AS old, coalesce(made.n, 0)::text AS new
         FROM ${days(old.schema, old.table)} AS was FULL JOIN ${days(next.schema, next.table)} AS made USING (day) ORDER BY 1`,
    );
    return rows.map((row) => ({ day: String(row.day), old: Number(row.old), new: Number(row.new) }));
  });
}
