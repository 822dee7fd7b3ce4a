/** One database connection, as far as set-up uses it: narrow, so that tests can put another PostgreSQL behind it. */
import { LOCK_TIMEOUT_MS } from '@millrace/core/database/connect.ts';
import type { Pool, PoolClient, QueryConfig } from 'pg';

export interface Session {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
}

/** How long one set-up may wait for another. */
const TURN_TIMEOUT_MS = 600_000;
const UNLOCK_MS = 2_000;

/** A session whose statements may take up to `timeoutMs` at the client (the server's own limit is set by the caller). */
export function sessionOf(client: PoolClient, timeoutMs: number): Session {
  return {
    query: (text, values = []) => {
      // A time-out per query is in pg's documentation, not in its types.
      const config: QueryConfig & { query_timeout: number } = { text, values, query_timeout: timeoutMs };
      return client.query(config);
    },
  };
}

/**
 * Runs `work` on a connection of its own whose statements may take `statementTimeoutMs`. The connection is closed
 * afterwards, and with it go its settings and its advisory locks, however `work` ended.
 */
export async function withSession<T>(pool: Pool, statementTimeoutMs: number, work: (session: Session) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // An idle connection that breaks says so by an event, and an event without a listener ends the process; the next
  // query on it fails with the same error.
  client.on('error', () => undefined);
  try {
    const session = sessionOf(client, statementTimeoutMs + 10_000);
    await session.query(`SELECT set_config('statement_timeout', $1, false)`, [String(statementTimeoutMs)]);
    return await work(session);
  } finally {
    // At once, also after an error: the server notices a closed connection a moment later, in which the next in line would be
    // turned away. Where it cannot be asked any more, it notices all the same.
    await sessionOf(client, UNLOCK_MS)
      .query('SELECT pg_advisory_unlock_all()')
      .catch(() => undefined);
    client.release(true);
  }
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

/** Waits until no other session has the advisory lock of this name, and takes it until the transaction or session ends. */
export async function takeTurn(session: Session, name: string, until: 'session' | 'transaction'): Promise<void> {
  const lock = until === 'session' ? 'pg_advisory_lock' : 'pg_advisory_xact_lock';
  await session.query(`SELECT set_config('lock_timeout', $1, false)`, [String(TURN_TIMEOUT_MS)]);
  await session.query(`SELECT ${lock}(hashtextextended($1, 0))`, [name]);
  await session.query(`SELECT set_config('lock_timeout', $1, false)`, [String(LOCK_TIMEOUT_MS)]);
}

/** Takes the advisory lock of this name for the session if nobody has it. */
export async function tryTurn(session: Session, name: string): Promise<boolean> {
  const { rows } = await session.query('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken', [name]);
  return rows[0]?.taken === true;
}
