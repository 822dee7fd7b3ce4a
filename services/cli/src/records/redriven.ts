/** Which refusals are rows by now, after a redrive. */
import { refusedPlace } from '@millrace/core/record/refusal.ts';
import { redrivenAmong } from '@millrace/sink/redriven.ts';
import type { Pool } from 'pg';
import type { Refused } from './refusals.ts';

export interface Shown extends Refused {
  redriven: boolean;
}

const BATCH = 1_000;

/** The same refusals in the same order. */
export async function* markRedriven(database: Pool, pipeline: string, refused: AsyncIterable<Refused>): AsyncGenerator<Shown> {
  const hasNotes = await knowsRedrives(database);
  let batch: Refused[] = [];
  for await (const one of refused) {
    batch.push(one);
    if (batch.length < BATCH) continue;
    yield* await marked(batch);
    batch = [];
  }
  yield* await marked(batch);

  async function marked(some: readonly Refused[]): Promise<Shown[]> {
    if (!hasNotes) return some.map((one) => ({ ...one, redriven: false }));
    const places = some.map(({ refusal }) => refusedPlace(refusal));
    const stored = await redrivenAmong(database, pipeline, places);
    return some.map((one) => ({ ...one, redriven: stored.has(one.id) }));
  }
}

/** Whether this database has the table in which the sink notes redriven rows; where it has none, nothing was ever redriven. */
export async function knowsRedrives(database: Pool): Promise<boolean> {
  const { rows } = await database.query<{ found: boolean }>(
    "SELECT to_regclass('millrace.redriven') IS NOT NULL AND to_regclass('millrace.reprocessed') IS NOT NULL AS found",
  );
  return rows[0]?.found === true;
}
