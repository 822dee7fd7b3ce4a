/**
 * Refusals that were redriven: each becomes a row once, however often it is sent.
 *
 * Invariants:
 * - A redriven row's place (that of the object in the raw record that was refused first) is noted in the row's transaction,
 *   and only with the row: one that is refused again is not noted.
 * - What is noted is read before the transaction. Whoever notes a place of this partition in between moves its position,
 *   too, so that this transaction fails; the primary key holds where that is not so (another partition, a topic that was recreated).
 * - A batch without redriven rows costs nothing.
 */
import { literal } from '@millrace/core/database/identifier.ts';
import { guarded } from '@millrace/core/guards.ts';
import { type ObjectPlace, placeId, type Redrive } from '@millrace/core/record/redrive.ts';
import type { ClientBase, Pool } from 'pg';
import type { TableRow } from './incoming.ts';
import { withClient } from './session.ts';

interface NotedRow {
  topic_id: string;
  partition: number;
  raw_offset: string;
  index: number;
}

const NOTED = `SELECT topic_id, partition, raw_offset, index FROM millrace.redriven
  JOIN unnest($2::text[], $3::int[], $4::bigint[], $5::int[]) AS asked (topic_id, partition, raw_offset, index)
    USING (topic_id, partition, raw_offset, index)
  WHERE pipeline = $1`;

/**
 * Splits decoded rows, in log order, into those to store and those whose object has its row already, or comes earlier in
 * the same batch.
 * @throws what the database says; the abort's reason
 */
export async function notStored(
  pool: Pool,
  signal: AbortSignal,
  pipeline: string,
  rows: TableRow[],
): Promise<{ rows: TableRow[]; twice: TableRow[] }> {
  const redrives = redrivesOf(rows);
  if (redrives.length === 0 || !guarded('redriven-once')) return { rows, twice: [] };
  const seen = await withClient(pool, signal, (client) => redrivenAmong(client, pipeline, redrives));
  const split = { rows: [] as TableRow[], twice: [] as TableRow[] };
  for (const row of rows) {
    const { redrive } = row.incoming;
    const id = redrive === null ? null : placeId(redrive);
    if (id !== null && seen.has(id)) {
      split.twice.push(row);
      continue;
    }
    if (id !== null) seen.add(id);
    split.rows.push(row);
  }
  return split;
}

/** Ids (`placeId`) of those places whose redrive became a row. */
export async function redrivenAmong(
  database: Pick<ClientBase, 'query'> | Pick<Pool, 'query'>,
  pipeline: string,
  places: readonly ObjectPlace[],
): Promise<Set<string>> {
  const columns = (['topicId', 'partition', 'offset', 'index'] as const).map((name) => places.map((one) => one[name]));
  const { rows } = await database.query<NotedRow>(NOTED, [pipeline, ...columns]);
  return new Set(
    rows.map((row) =>
      placeId({ topicId: row.topic_id, partition: row.partition, offset: Number(row.raw_offset), index: row.index }),
    ),
  );
}

/** Mostly none, of thousands of rows: nothing is made for a row without. */
function redrivesOf(rows: readonly TableRow[]): Redrive[] {
  const redrives: Redrive[] = [];
  for (const { incoming } of rows) if (incoming.redrive !== null) redrives.push(incoming.redrive);
  return redrives;
}

/** SQL that notes the redriven ones of the rows that were written, in order, so that two transactions never deadlock; null: none. */
export function redrivenSql(pipeline: string, written: readonly TableRow[]): string | null {
  const redrives = redrivesOf(written);
  if (redrives.length === 0 || !guarded('redriven-once')) return null;
  const places = new Map(redrives.map((redrive) => [placeId(redrive), redrive]));
  const rows = [...places]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { topicId, partition, offset, index, attempt }]) => {
      return `(${literal(pipeline)}, ${literal(topicId)}, ${partition}, ${offset}, ${index}, ${attempt})`;
    });
  return `INSERT INTO millrace.redriven (pipeline, topic_id, partition, raw_offset, index, attempt) VALUES ${rows.join(', ')}`;
}
