/**
 * The tries of the last transaction: what passes by itself is tried again after catching up.
 *
 * Invariant: whether a swap without an answer took place is read from the books, never guessed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { consequenceOf, sqlStateOf } from '@millrace/core/database/errors.ts';
import type { Sender } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Server } from '@millrace/setup/server.ts';
import { readBooks, sendRefusals } from './books.ts';
import { catchUp } from './catchUp.ts';
import type { Filling } from './fill.ts';
import type { TableSet } from './plan.ts';
import type { At, Told } from './reset.ts';
import { keptSet, swap } from './swap.ts';

/** Tries of the last transaction: a reader that holds the table for longer than a minute has to be looked at. */
const SWAP_TRIES = 15;
const SWAP_PAUSE_MS = 2_000;

/** Puts the new tables in place. @returns where the old rows are from now on. @throws what stands in the way for long */
export async function swapIn(filling: Filling, server: Server, sender: Sender, told: Told, at: At): Promise<TableSet> {
  const { plan, database, signal } = filling;
  const { dlq } = namesOf(plan.wanted);
  for (let attempt = 1; ; attempt++) {
    await sendRefusals(database, sender, dlq, plan.pipeline);
    let why: string;
    try {
      const swapped = await swap({ filling, sender, at });
      if (swapped.done) return swapped.kept;
      why = `${swapped.missing} raw records came in meanwhile`;
    } catch (error) {
      signal.throwIfAborted();
      const kept = await committedAfterAll(filling, error);
      if (kept !== null) return kept;
      if (!isPassing(error) || attempt >= SWAP_TRIES) throw error;
      why = error instanceof Error ? error.message : String(error);
    }
    if (attempt >= SWAP_TRIES)
      throw new Error(
        `the new tables could not be put in place in ${attempt} tries; the last: ${why}. Nothing has changed; run it again`,
      );
    told({ kind: 'waiting', why });
    await sleep(SWAP_PAUSE_MS, undefined, { signal });
    await catchUp(filling, server, told, at);
  }
}

/** A lock that somebody held, a deadlock, a row that the database refuses (the next fill finds it), the time that was over. */
function isPassing(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return consequenceOf(state) !== 'pause' || ['55P03', '57014', '54000', '25P03'].includes(state);
  return error instanceof Error && error.name === 'TimeoutError';
}

/** The books go in the transaction of the swap, and nobody else removes them while this run has its turn. */
async function committedAfterAll({ plan, database, books }: Filling, error: unknown): Promise<TableSet | null> {
  try {
    if ((await readBooks(database, plan.pipeline)) !== null) return null;
  } catch {
    throw error;
  }
  return keptSet(plan, books.startedAt);
}
