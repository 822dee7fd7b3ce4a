/**
 * What a reprocessing notes in the database while it goes on (`millrace.resets`, `millrace.reset_refusals`), so that a killed
 * one goes on where it stood.
 *
 * Invariant: progress, refusals, rows, ledger and position of a piece are written in one transaction.
 */
import { literal } from '@millrace/core/database/identifier.ts';
import type { OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { decodeProgress, encodeProgress, type Progress } from '@millrace/core/record/progress.ts';
import type { Origins } from '@millrace/sink/position.ts';
import type { ClientBase, Pool } from 'pg';

export interface Books {
  /** Fingerprint of the plan. */
  plan: string;
  startedAt: Date;
  /** Of the transform, by partition. */
  progress: Map<number, Progress>;
  /** null: no rows were taken over yet. */
  takenOver: Map<number, Origins> | null;
  /** How many. */
  takenOverRows: number;
}

export async function readBooks(database: Pool | ClientBase, pipeline: string): Promise<Books | null> {
  const { rows } = await database.query(
    'SELECT plan, started_at, progress, taken_over FROM millrace.resets WHERE pipeline = $1',
    [pipeline],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const progress = new Map<number, Progress>();
  for (const [partition, text] of Object.entries(row.progress as Record<string, string>)) {
    const read = decodeProgress(text);
    if (read === null)
      throw new Error(`millrace.resets of ${pipeline} holds progress that cannot be read: ${text.slice(0, 200)}`);
    progress.set(Number(partition), read);
  }
  const taken = row.taken_over as { rows: number; origins: Record<string, Record<string, [number, number, number]>> } | null;
  const takenOver =
    taken && new Map(Object.entries(taken.origins).map(([partition, origins]) => [Number(partition), originsOf(origins)]));
  return { plan: row.plan, startedAt: row.started_at, progress, takenOver, takenOverRows: Number(taken?.rows ?? 0) };
}

/** Origins as `millrace.positions` keeps them. */
export function originsOf(stored: Record<string, [number, number, number]>): Origins {
  return new Map(Object.entries(stored).map(([id, [offset, index, version]]) => [id, { offset, index, version }]));
}

export function progressSql(pipeline: string, partition: number, progress: Progress): string {
  return `UPDATE millrace.resets SET progress = progress || jsonb_build_object('${partition}', ${literal(encodeProgress(progress))}::text)
    WHERE pipeline = ${literal(pipeline)}`;
}

/** SQL that keeps refusals until the reprocessing takes effect; null where there are none. */
export function keepRefusalsSql(pipeline: string, partition: number, refusals: readonly OutRecord[]): string | null {
  if (refusals.length === 0) return null;
  const rows = refusals.map(
    ({ key, value, headers }) =>
      `(${literal(pipeline)}, ${partition}, ${bytea(key)}, ${bytea(value)}, ${literal(JSON.stringify(headers).replaceAll('\\u0000', '\\ufffd'))}::jsonb)`,
  );
  return `INSERT INTO millrace.reset_refusals (pipeline, partition, key, value, headers) VALUES ${rows.join(', ')}`;
}

function bytea(bytes: Buffer | null): string {
  return bytes === null ? 'NULL' : `'\\x${bytes.toString('hex')}'::bytea`;
}

const PAGE = 200;

/** Sends what was kept, and forgets it once it is acknowledged; a kill in between sends some again, which readers tell. */
export async function sendRefusals(database: Pool, sender: Sender, dlq: string, pipeline: string): Promise<number> {
  let sent = 0;
  for (;;) {
    const { rows } = await database.query<{
      id: string;
      partition: number;
      key: Buffer | null;
      value: Buffer | null;
      headers: Record<string, string>;
    }>(`SELECT id, partition, key, value, headers FROM millrace.reset_refusals WHERE pipeline = $1 ORDER BY id LIMIT ${PAGE}`, [
      pipeline,
    ]);
    if (rows.length === 0) return sent;
    for (const [partition, records] of Map.groupBy(rows, (row) => row.partition)) await sender.send(dlq, partition, records);
    await database.query('DELETE FROM millrace.reset_refusals WHERE id = ANY($1)', [rows.map(({ id }) => id)]);
    sent += rows.length;
  }
}
