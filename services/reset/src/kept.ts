/** The old tables that a reset kept. */
import { retiredKey } from '@millrace/setup/owners.ts';
import { inTransaction, withSession } from '@millrace/setup/session.ts';
import type { Pool } from 'pg';
import { namesIn, tableSet } from './plan.ts';
import { dropTables, ownedTables } from './relations.ts';

const STATEMENT_TIMEOUT_MS = 600_000;

/**
 * Removes them. Returns a line per table.
 * @throws Error where they are none that a reset of this pipeline kept; the database's error where something hangs on one of them
 */
export async function dropKept(database: Pool, pipeline: string, schema: string, table: string): Promise<string[]> {
  return withSession(database, STATEMENT_TIMEOUT_MS, (session) =>
    inTransaction(session, async () => {
      const owner = retiredKey(pipeline);
      const owned = await ownedTables(session, owner, schema);
      if (!owned.includes(table))
        throw new Error(
          `${schema}.${table} is no table that a reset of ${pipeline} has kept; there ${owned.length === 0 ? 'are none' : `are ${owned.join(', ')}`}`,
        );
      const names = namesIn(tableSet(schema, table, owned)).filter((name) => owned.includes(name));
      const lines = await dropTables(session, schema, names);
      for (const name of names)
        await session.query(`DELETE FROM millrace.owners WHERE kind = 'table' AND pipeline = $1 AND name = $2`, [
          owner,
          `${schema}.${name}`,
        ]);
      return lines;
    }),
  );
}
