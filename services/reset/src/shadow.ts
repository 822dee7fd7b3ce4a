/**
 * The tables that a reprocessing fills, beside those that are in use.
 *
 * Invariants: they are noted in `millrace.resets` before they are made, so that what a killed run left behind is known as its own;
 * nothing but what is owned under the reprocessing's key is ever removed. They have no retention yet: what is old goes when they
 * are in use.
 */

import { modelOf } from '@millrace/setup/model.ts';
import type { Server } from '@millrace/setup/server.ts';
import { inTransaction, type Session, withSession } from '@millrace/setup/session.ts';
import { setupDatabase } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import { namesIn, type Plan, resetKey, tablesOf } from './plan.ts';
import { dropTables, kindOf, ownedTables } from './relations.ts';

const STATEMENT_TIMEOUT_MS = 3_600_000;

/** Makes the tables where they are not there. @throws SetupRefused; Error where one of that name is somebody else's */
export async function makeShadow(database: Pool, plan: Plan): Promise<Server> {
  return withSession(database, STATEMENT_TIMEOUT_MS, async (session) => {
    const set = tablesOf(plan.shadow);
    const owned = await ownedTables(session, plan.key, set.schema);
    for (const name of namesIn(set)) {
      if (owned.includes(name) || (await kindOf(session, set.schema, name)) === null) continue;
      throw new Error(
        `${set.schema}.${name} is there already and was not made by a reprocessing of ${plan.pipeline}: ${plan.mode === 'replace' ? 'rename it' : 'choose another name for the new table'}`,
      );
    }
    await session.query('INSERT INTO millrace.resets (pipeline, plan) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      plan.pipeline,
      plan.fingerprint,
    ]);
    const model = modelOf(plan.shadow);
    const rollups = model.rollups.map((rollup) => ({ ...rollup, retainMs: null }));
    // What changes in them is for no topic yet.
    const kept = { ...model.kept, topic: false };
    const { server } = await setupDatabase(session, { ...model, kept, rollups, retainMs: null, compression: null }, []);
    return server;
  });
}

/** Removes what a reprocessing that did not take effect left behind. Returns a line per table. */
export async function dropShadow(database: Pool, pipeline: string, schema: string): Promise<string[]> {
  return withSession(database, STATEMENT_TIMEOUT_MS, (session) =>
    inTransaction(session, async () => {
      const lines = await dropTables(session, schema, await ownedTables(session, resetKey(pipeline), schema));
      await forgetReset(session, pipeline);
      return lines;
    }),
  );
}

/** Removes the books of a reprocessing, in the open transaction. */
export async function forgetReset(session: Session, pipeline: string): Promise<void> {
  for (const name of ['positions', 'ledger', 'touched', 'horizons', 'owners', 'redriven'])
    await session.query(`DELETE FROM millrace.${name} WHERE pipeline = $1`, [resetKey(pipeline)]);
  for (const name of ['resets', 'reset_refusals'])
    await session.query(`DELETE FROM millrace.${name} WHERE pipeline = $1`, [pipeline]);
}
