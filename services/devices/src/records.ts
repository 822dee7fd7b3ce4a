/**
 * What was sent to devices, in `millrace.device_commands`.
 *
 * Invariant: at any moment at most one command waits for an answer on a topic, whichever process sends it: who wants to send takes
 * the topic by its record, and a process that is killed gives it back by the time in it.
 */
import { inTransaction, takeTurn, withSession } from '@millrace/setup/session.ts';
import type { Pool } from 'pg';
import type { Command, MatchedBy, Outcome } from './command.ts';

const STATEMENT_MS = 10_000;
/** After a command that was not answered: an answer on its way is not taken for the next one's. */
export const LATE_MS = 5_000;
/** How long records are kept. */
const KEPT = '400 days';

export type Taken =
  /** @param strict as in `matchOf` */
  { isTaken: true; strict: boolean } | { isTaken: false; waitMs: number };

/** Takes the topic for a command and records it, or says how long it is taken at most. */
export function take(pool: Pool, id: string, { device, topic, payload, timeoutMs }: Command, by: string): Promise<Taken> {
  return withSession(pool, STATEMENT_MS, (session) =>
    inTransaction(session, async (): Promise<Taken> => {
      await takeTurn(session, `millrace command ${device}/${topic}`, 'transaction');
      const { rows: closed } = await session.query(
        `SELECT ceil(extract(epoch FROM max(closed_until) - clock_timestamp()) * 1000)::int AS ms FROM millrace.device_commands
          WHERE device = $1 AND topic = $2 AND closed_until > clock_timestamp()`,
        [device, topic],
      );
      const waitMs = closed[0]?.ms;
      if (typeof waitMs === 'number') return { isTaken: false, waitMs };
      const { rows } = await session.query(
        `SELECT EXISTS (SELECT FROM millrace.device_commands WHERE device = $1 AND topic = $2 AND matched_by = 'correlation') AS strict`,
        [device, topic],
      );
      await session.query(
        `INSERT INTO millrace.device_commands (id, device, topic, payload, sent_by, closed_until)
         VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 millisecond')`,
        [id, device, topic, payload, by, timeoutMs + LATE_MS],
      );
      return { isTaken: true, strict: rows[0]?.strict === true };
    }),
  );
}

/** Records what came of it, and gives the topic back. */
export async function end(
  pool: Pool,
  id: string,
  outcome: Outcome,
  answer: { payload: Buffer; matchedBy: MatchedBy } | null,
): Promise<void> {
  await pool.query(
    `UPDATE millrace.device_commands SET outcome = $2, matched_by = $3, answer = $4, ended_at = clock_timestamp(),
       closed_until = CASE WHEN $2 IN ('answered', 'undelivered') THEN clock_timestamp() ELSE closed_until END
      WHERE id = $1`,
    [id, outcome, answer?.matchedBy ?? null, answer?.payload ?? null],
  );
}

/** Those that are older than anybody needs. @returns how many were removed */
export async function expire(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query(`DELETE FROM millrace.device_commands WHERE sent_at < clock_timestamp() - $1::interval`, [
    KEPT,
  ]);
  return rowCount ?? 0;
}
