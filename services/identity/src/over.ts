/**
 * Certificates that are over, revoked or ended, and whose devices may be connected all the same: brokers look at certificates when
 * somebody connects (docs/decisions/0041).
 *
 * Invariant: one leaves this list (`off_at`) only after two pushes, the first of them after the broker was seen to refuse it.
 */
import type { Session } from '@millrace/setup/session.ts';
import type { Crl } from './crl.ts';
import { newest } from './lists.ts';

export interface Over {
  serial: string;
  device: string;
  isRevoked: boolean;
  notAfter: Date;
  /** When its device was pushed off for the first time. */
  pushedAt: Date | null;
}

/** The broker's clock may be late. */
const CLOCKS_MS = 5_000;
/**
 * Who has shown its certificate before, and says who it is only now, is let in: a broker gives it time for that (Mosquitto 90 s,
 * looked at every 5 s).
 */
const LATE_MS = 120_000;
const MOST = 10_000;

/** Those of this authority, longest without a push first; a list that holds all of them that are revoked; the database's time. */
export async function overOf(session: Session, authority: string): Promise<{ over: Over[]; list: Crl | null; now: Date }> {
  const { rows } = await session.query(
    `SELECT serial, device, revoked_at IS NOT NULL AS "isRevoked", not_after AS "notAfter", pushed_at AS "pushedAt"
       FROM millrace.device_certificates
      WHERE authority = $1 AND off_at IS NULL AND least(revoked_at, not_after) <= now()
      ORDER BY pushed_at NULLS FIRST, least(revoked_at, not_after) LIMIT ${MOST}`,
    [authority],
  );
  const { rows: times } = await session.query('SELECT clock_timestamp() AS now');
  const [{ now }] = times as unknown as [{ now: Date }];
  // After them: a revocation and its list are one transaction.
  return { over: rows as unknown as Over[], list: await newest(session, authority), now };
}

/**
 * Whether its device is to be pushed off now: for the first time once the broker refuses the certificate, and again when nobody is left
 * who was let in before. Pure.
 * @param isInForce the broker has a list with all that are revoked
 */
export function isDueToPush({ isRevoked, notAfter, pushedAt }: Over, now: Date, isInForce: boolean): boolean {
  if (pushedAt !== null) return now.getTime() - pushedAt.getTime() > LATE_MS;
  const hasEnded = now.getTime() - notAfter.getTime() > CLOCKS_MS;
  return hasEnded || (isRevoked && isInForce);
}

/** Notes that these were pushed off, for the first or the last time. */
export async function notePushed(session: Session, serials: readonly string[]): Promise<void> {
  await session.query(
    `UPDATE millrace.device_certificates
        SET pushed_at = coalesce(pushed_at, clock_timestamp()),
            off_at = CASE WHEN pushed_at < clock_timestamp() - $2 * interval '1 millisecond' THEN clock_timestamp() END
      WHERE serial = ANY ($1) AND off_at IS NULL`,
    [serials, LATE_MS],
  );
}
