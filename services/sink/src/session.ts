/**
 * A connection for one piece of work. How long a query may take is the pool's affair (core's `connectDatabase`).
 *
 * Invariant: a connection on which anything failed or was cut short is destroyed, never given back; no
 * query of an abandoned piece of work runs on a connection that another one uses. The server ends the transaction with it.
 */
import { guarded } from '@millrace/core/guards.ts';
import type { Pool, PoolClient } from 'pg';

/**
 * Runs `work` on a connection of the pool.
 * @param signal ends the work: its connection is destroyed, its pending query rejects, and this rejects with the reason
 * @throws what `work` throws, the abort's reason, or the pool's error when there is no connection to be had
 */
export async function withClient<T>(pool: Pool, signal: AbortSignal, work: (client: PoolClient) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const client = await pool.connect();
  let released = false;
  const release = (error?: Error): void => {
    if (released) return;
    released = true;
    client.release(error);
  };
  let cut: Error | null = null;
  const end = (why: Error): void => {
    cut ??= why;
    release(why);
  };
  const aborted = (): void => {
    if (guarded('transaction-abort')) end(asError(signal.reason));
  };
  // A connection that breaks between two queries says so by an event, which nobody else listens to while it is ours.
  const broken = (error: Error): void => end(error);
  client.on('error', broken);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    signal.throwIfAborted();
    const result = await work(client);
    if (cut !== null) throw cut;
    return result;
  } catch (error) {
    release(asError(error));
    throw cut ?? error;
  } finally {
    signal.removeEventListener('abort', aborted);
    release();
    // Stays where the connection was destroyed: its last words must not be an unhandled event.
    if (cut === null) client.off('error', broken);
  }
}

/** The pool as one whose connections end when the signal is aborted: for work that takes a pool and no signal. */
export function endingWith(pool: Pool, signal: AbortSignal): Pool {
  const connect = async (): Promise<PoolClient> => {
    signal.throwIfAborted();
    const client = await pool.connect();
    // The pending query rejects, and whoever waits for it releases the client.
    const end = (): void => void client.end();
    signal.addEventListener('abort', end, { once: true });
    const { release } = client;
    client.release = (error) => {
      signal.removeEventListener('abort', end); // from now on it may be somebody else's
      release(error);
    };
    if (signal.aborted) end();
    return client;
  };
  return Object.assign(Object.create(pool) as Pool, { connect });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
