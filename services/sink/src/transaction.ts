/**
 * One batch, one transaction: rows, newest rows, touched buckets, ledger, position (DESIGN 1.2 rule 3).
 *
 * Invariants:
 * - The position moves with the rows, only where it stands as this sink last saw it, and its COMMIT goes in the same round
 *   trip: no lock on it is ever held by a process that thinks.
 * - Refused rows are in the dead-letter topic, acknowledged, before the COMMIT.
 * - Whether an unanswered COMMIT took place is read from the database on a new connection, never guessed.
 */
import { consequenceOf, POSITION_MOVED, sqlStateOf } from '@millrace/core/database/errors.ts';
import { guarded } from '@millrace/core/guards.ts';
import { Reload } from '@millrace/core/kafka/kafka.ts';
import type { ClientBase, Pool, QueryResult } from 'pg';
import type { RefusedRow, TableRow } from './incoming.ts';
import { type Isolated, isolate, isRowError } from './isolate.ts';
import type { StoredPosition } from './position.ts';
import { readPosition } from './positionStore.ts';
import { withClient } from './session.ts';
import type { Writer } from './writers/writer.ts';

/** Serialization failures and deadlocks: the same again will do, but not for ever. */
const ATTEMPTS = 5;

export interface Work {
  pool: Pool;
  signal: AbortSignal;
  pipeline: string;
  partition: number;
  writer: Writer;
  rows: readonly TableRow[];
  /** Refused before the database was asked. */
  foreign: readonly RefusedRow[];
  /** Sends refusals to the dead-letter topic; resolves when they are acknowledged. */
  refuse(refused: readonly RefusedRow[]): Promise<void>;
  after: StoredPosition;
  /** The statements of the last round trip before COMMIT, the position's comes last. Pure: asked for before the outcome is known, and again where it differs. */
  closing(outcome: Isolated): string[];
}

/**
 * Stores a batch.
 * @throws Reload when someone else moved the position; RefusedWhole; the abort's reason; else what the database or the
 * dead-letter topic said, and nothing of the batch is stored then
 */
export async function store(work: Work): Promise<Isolated> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await storeOnce(work);
    } catch (error) {
      if (consequenceOf(sqlStateOf(error)) !== 'retry' || attempt === ATTEMPTS) throw error;
    }
  }
}

async function storeOnce(work: Work): Promise<Isolated> {
  const { pool, signal } = work;
  let outcome: Isolated | null = null;
  let committing = false;
  try {
    return await withClient(pool, signal, async (client) => {
      const written = await writeRows(client, work);
      outcome = written.outcome;
      if (outcome.refused.length > 0) {
        const sent = work.refuse(outcome.refused);
        await (guarded('dlq-before-commit') ? sent : sent.catch(() => {}));
      }
      if (guarded('transaction-abort')) signal.throwIfAborted();
      const closing = written.closing ?? work.closing(outcome);
      committing = true;
      mustCommit(await client.query([...closing, 'COMMIT'].join(';\n')));
      return outcome;
    });
  } catch (error) {
    if (sqlStateOf(error) === POSITION_MOVED) throw new Reload((error as Error).message, { cause: error });
    if (committing && outcome !== null && (!guarded('commit-reread') || (await wasCommitted(work, error)))) return outcome;
    throw error;
  }
}

interface Written {
  outcome: Isolated;
  /** The closing statements, where they were made while the database wrote: the longer part of what a batch costs here. */
  closing: string[] | null;
}

async function writeRows(client: ClientBase, { writer, rows, foreign, closing }: Work): Promise<Written> {
  const begin = writer.prepareSql === null ? 'BEGIN' : `BEGIN; ${writer.prepareSql}`;
  await client.query(begin);
  if (rows.length === 0) return { outcome: { written: [], merged: new Map(), refused: [...foreign] }, closing: null };
  try {
    const whole: Isolated = { written: [...rows], merged: new Map(), refused: [...foreign] };
    const early: string[] = [];
    const merged = await writer.write(client, rows, () => void early.push(...closing(whole)));
    if (merged.size === 0) return { outcome: whole, closing: early.length > 0 ? early : null };
    return { outcome: { ...whole, merged: new Map(merged) }, closing: null };
  } catch (error) {
    if (!isRowError(error)) throw error;
    await client.query(`ROLLBACK; ${begin}`);
    const outcome = await isolate(client, rows, writer.write);
    return { outcome: { ...outcome, refused: [...foreign, ...outcome.refused] }, closing: null };
  }
}

/** A COMMIT of a transaction that failed before is answered by ROLLBACK, without an error. */
function mustCommit(results: QueryResult | QueryResult[]): void {
  const last = Array.isArray(results) ? results.at(-1) : results;
  if (last?.command !== 'COMMIT') throw new Error(`the database answered COMMIT with ${last?.command ?? 'nothing'}`);
}

/**
 * Whether a COMMIT without a clear answer took place.
 * @throws Reload when someone else moved the position since; the first error when the database cannot be asked
 */
async function wasCommitted(work: Work, error: unknown): Promise<boolean> {
  if (work.signal.aborted) throw error;
  let now: StoredPosition;
  try {
    now = await withClient(work.pool, work.signal, (client) => readPosition(client, work.pipeline, work.partition));
  } catch {
    throw error; // the partition is loaded again in any case, and stands where the database says then
  }
  if (now.writer === work.after.writer) return true;
  if (now.version >= work.after.version) throw new Reload('another sink moved the position', { cause: error });
  return false;
}
