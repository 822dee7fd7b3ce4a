/** What is recorded of certificates: `millrace.device_certificates`, one row for each that was ever signed. */
import type { Session } from '@millrace/setup/session.ts';
import type { Reason, Revoked } from './crl.ts';
import type { DeviceCertificate } from './sign.ts';

export interface Recorded {
  serial: string;
  device: string;
  fingerprint: string;
  notBefore: Date;
  notAfter: Date;
  issuedAt: Date;
  issuedBy: string;
  revokedAt: Date | null;
  revokedBy: string | null;
  reason: Reason | null;
}

const COLUMNS = `serial, device, fingerprint, not_before AS "notBefore", not_after AS "notAfter", issued_at AS "issuedAt",
  issued_by AS "issuedBy", revoked_at AS "revokedAt", revoked_by AS "revokedBy", reason`;
/** A certificate stays on the lists for a while after its end, for clocks that are late. */
const LISTED_AFTER_END = '1 day';

export async function record(
  session: Session,
  authority: string,
  device: string,
  { serial, fingerprint, notBefore, notAfter }: DeviceCertificate,
  issuedBy: string,
): Promise<void> {
  await session.query(
    `INSERT INTO millrace.device_certificates (serial, authority, device, fingerprint, not_before, not_after, issued_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [serial, authority, device, fingerprint, notBefore, notAfter, issuedBy],
  );
}

/** Newest first. @param device null: of all of them @param authority null: of every one that there was */
export async function recorded(session: Session, authority: string | null, device: string | null): Promise<Recorded[]> {
  const { rows } = await session.query(
    `SELECT ${COLUMNS} FROM millrace.device_certificates
      WHERE ($1::text IS NULL OR authority = $1) AND ($2::text IS NULL OR device = $2) ORDER BY device, not_after DESC, serial`,
    [authority, device],
  );
  return rows as unknown as Recorded[];
}

/** Those with which it could connect now. */
export async function valid(session: Session, authority: string, device: string, now: Date): Promise<Recorded[]> {
  const all = await recorded(session, authority, device);
  return all.filter(({ revokedAt, notAfter }) => revokedAt === null && notAfter > now);
}

/** @returns how many of these were not revoked before */
export async function markRevoked(session: Session, serials: readonly string[], by: string, reason: Reason): Promise<number> {
  const { rowCount } = await session.query(
    `UPDATE millrace.device_certificates SET revoked_at = clock_timestamp(), revoked_by = $2, reason = $3
      WHERE serial = ANY ($1) AND revoked_at IS NULL`,
    [serials, by, reason],
  );
  return rowCount ?? 0;
}

/** What the list of this authority has to hold. */
export async function revokedOf(session: Session, authority: string): Promise<Revoked[]> {
  const { rows } = await session.query(
    `SELECT serial, revoked_at AS at, reason FROM millrace.device_certificates
      WHERE authority = $1 AND revoked_at IS NOT NULL AND not_after > clock_timestamp() - $2::interval ORDER BY revoked_at, serial`,
    [authority, LISTED_AFTER_END],
  );
  return rows as unknown as Revoked[];
}
