/** One database connection, as far as set-up uses it: narrow, so that tests can put another PostgreSQL behind it. */
import type { PoolClient, QueryConfig } from 'pg';

export interface Session {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
}

/** A session whose statements may take up to `timeoutMs` at the client (the server's own limit is set by the caller). */
export function sessionOf(client: PoolClient, timeoutMs: number): Session {
  return {
    query: (text, values = []) => {
      // `query_timeout` per query is in pg's documentation, not in its types.
      const config: QueryConfig & { query_timeout: number } = { text, values, query_timeout: timeoutMs };
      return client.query(config);
    },
  };
}

/** Runs `work` in one transaction: all of it, or nothing where it throws. */
export async function inTransaction<T>(session: Session, work: () => Promise<T>, begin = 'BEGIN'): Promise<T> {
  await session.query(begin);
  try {
    const result = await work();
    await session.query('COMMIT');
    return result;
  } catch (error) {
    // Fails only where the connection is gone, and the transaction with it: the first error says why.
    await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
