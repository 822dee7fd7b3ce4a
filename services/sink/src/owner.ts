/**
 * Whether the table of this sink's spec still is its Pipeline's: `millrace reset` hands a Pipeline over to another table, and
 * from then on a sink with the old spec must not store.
 *
 * Invariant: a handover changes the owner and moves every position in one transaction. So a sink that loaded its position
 * before it cannot commit after it, and finds the owner changed when it loads again.
 */
import type { ClientBase } from 'pg';

export class HandedOver extends Error {
  override name = 'HandedOver';
}

/** @param table `schema.name`. @throws HandedOver naming the table that the Pipeline has now */
export async function mustOwn(client: ClientBase, pipeline: string, table: string): Promise<void> {
  const { rows } = await client.query<{ owned: boolean; others: string | null }>(
    `SELECT coalesce(bool_or(name = $2), false) AS owned,
            string_agg(name, ', ' ORDER BY name) FILTER (WHERE name || '_latest' IN (
              SELECT name FROM millrace.owners WHERE kind = 'table' AND pipeline = $1)) AS others
       FROM millrace.owners WHERE kind = 'table' AND pipeline = $1`,
    [pipeline, table],
  );
  if (rows[0]?.owned === true) return;
  const now = rows[0]?.others;
  throw new HandedOver(
    `the table ${table} is no longer that of ${pipeline}${now ? `, which is ${now} now` : ''}: nothing more is stored into it; restart the roles with the spec that names that table`,
  );
}
