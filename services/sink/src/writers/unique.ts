/**
 * One row per combination of the `unique` columns: COPY into a temporary table of the session, then one ordered
 * INSERT … ON CONFLICT of the row that counts of each combination, and from what that stored the newest row per key.
 *
 * Invariants: of several rows of one combination that one stays which was appended to the raw topic last (`keep: last`)
 * or first; of equal append times, the last (first) in the log. NULL equals NULL, in DISTINCT ON as in the index. Rows are
 * inserted in the order of the unique columns, so that two transactions never deadlock.
 */
import { createHash } from 'node:crypto';
import { list, quote, table } from '@millrace/core/database/identifier.ts';
import { HOUR_MS } from '@millrace/core/record/hour.ts';
import { APPENDED_COLUMN, TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { countsSql } from '@millrace/core/table/latest.ts';
import type { Incoming, TableRow } from '../incoming.ts';
import { keepNewest } from '../latest.ts';
import { hourOf } from '../ledger.ts';
import { rowWriter } from '../rowLine.ts';
import { copyIn } from './copyIn.ts';
import type { Target, Unique, Writer } from './writer.ts';

/** Of the processed record; a name that no column of a spec can have. */
const OFFSET_COLUMN = quote('processed offset');

export function uniqueWriter(target: Target, unique: Unique): Writer {
  const { names, columns } = target;
  const rowsTable = table(names.schema, names.table);
  const stage = `pg_temp.${quote(`stage_${createHash('sha256').update(rowsTable).digest('hex').slice(0, 32)}`)}`;
  const own = list([...columns.map(({ name }) => name), APPENDED_COLUMN]);
  const copySql = `COPY ${stage} (${own}, ${OFFSET_COLUMN}) FROM STDIN`;
  const write = rowWriter(columns, target.latest.key);
  const mergeSql = mergeOf(target, unique, rowsTable, stage);
  return {
    writeLine: (value, lines, incoming) => {
      const facts = write(value, lines);
      lines.append(`\t${appendedMs(incoming)}\t${incoming.record.offset}`);
      return facts;
    },
    prepareSql: `CREATE TEMPORARY TABLE IF NOT EXISTS ${stage}
      (LIKE ${rowsTable} INCLUDING CONSTRAINTS, ${OFFSET_COLUMN} bigint) ON COMMIT DELETE ROWS`,
    async write(client, rows) {
      const first = rows[0];
      const last = rows.at(-1);
      if (first === undefined || last === undefined) return new Map();
      await copyIn(client, copySql, rows);
      // Parts of one transaction lie in the temporary table together; each merges its own.
      const bounds = [first.incoming.record.offset, last.incoming.record.offset];
      const { rows: inserted } = await client.query<{ hour: string; rows: string }>(mergeSql, bounds);
      const merged = new Map<number, number>();
      const add = (hour: number, by: number): unknown => merged.set(hour, (merged.get(hour) ?? 0) + by);
      for (const { incoming } of rows) add(hourOf(appendedMs(incoming)), 1);
      for (const { hour, rows } of inserted) add(hourOf(Number(hour) * HOUR_MS), -Number(rows));
      return byLedgerHour(rows, merged);
    },
    closingSql: () => null,
  };
}

/** By which rows of one combination are ordered: of a redriven row when it first came, so that a later correction stays. */
function appendedMs({ redrive, rawTimestampMs }: Incoming): number {
  return redrive?.rawTimestampMs ?? rawTimestampMs;
}

/**
 * The ledger counts a redriven row in the hour of its raw record, which is later than the one it is ordered by. Which of the
 * rows of an hour were merged is not known, and no sum depends on it.
 */
function byLedgerHour(rows: readonly TableRow[], merged: Map<number, number>): Map<number, number> {
  if (rows.every(({ incoming }) => incoming.redrive === null)) return merged;
  const left = new Map(merged);
  const counted = new Map<number, number>();
  for (const { incoming } of rows) {
    const ordered = hourOf(appendedMs(incoming));
    const count = left.get(ordered) ?? 0;
    if (count === 0) continue;
    left.set(ordered, count - 1);
    const hour = hourOf(incoming.rawTimestampMs);
    counted.set(hour, (counted.get(hour) ?? 0) + 1);
  }
  return counted;
}

function mergeOf({ names, columns, latest }: Target, unique: Unique, rowsTable: string, stage: string): string {
  const combination = list(unique.columns);
  const latestOwn = { ...latest, columns: [...columns, { name: APPENDED_COLUMN, type: 'int' as const, required: true }] };
  const [order, newer, newerTime] = unique.keep === 'last' ? (['DESC', '>=', '>='] as const) : (['ASC', '<', '>'] as const);
  const appended = quote(APPENDED_COLUMN);
  const all = list(columns.map(({ name }) => name));
  const own = `${all}, ${appended}`;
  const sets = [...columns.map(({ name }) => quote(name)), appended].map((column) => `${column} = EXCLUDED.${column}`);
  const by = list(latest.by);
  // xmax is 0 in a row that was inserted, and names this transaction in one that was updated.
  return `WITH stored AS (
      INSERT INTO ${rowsTable} AS kept (${own})
      SELECT ${own} FROM (
        SELECT DISTINCT ON (${combination}) * FROM ${stage} WHERE ${OFFSET_COLUMN} BETWEEN $1 AND $2
        ORDER BY ${combination}, ${appended} ${order}, ${OFFSET_COLUMN} ${order}) AS counting
      ORDER BY ${combination}
      ON CONFLICT (${combination}) DO UPDATE SET ${sets.join(', ')} WHERE EXCLUDED.${appended} ${newer} kept.${appended}
      RETURNING ${own}, (xmax = 0) AS "was inserted"),
    newest AS (
      INSERT INTO ${table(names.schema, latest.name)} AS kept (${own})
      SELECT DISTINCT ON (${by}) ${own} FROM stored WHERE ${countsSql(latest)}
      ORDER BY ${by}, ${quote(TIME_COLUMN)} DESC, ${appended} DESC
      ${keepNewest(latestOwn, newerTime)})
    SELECT floor(${appended}::numeric / ${HOUR_MS}) AS hour, count(*) AS rows FROM stored WHERE "was inserted" GROUP BY 1`;
}
