/** The newest CRL of an authority, in `millrace.device_crls`. */
import { inTransaction, type Session, takeTurn } from '@millrace/setup/session.ts';
import type { Authority } from './authority.ts';
import { type Crl, isDue, signCrl } from './crl.ts';
import { revokedOf } from './records.ts';

/** Makes the next list, inside of the transaction that revoked. */
export async function nextCrl(session: Session, authority: Authority, now: Date): Promise<Crl> {
  await takeTurn(session, `millrace CRL ${authority.id}`, 'transaction');
  const crl = await signCrl(authority, await revokedOf(session, authority.id), await newest(session, authority.id), now);
  await session.query(
    `INSERT INTO millrace.device_crls (authority, number, this_update, next_update, pem) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (authority) DO UPDATE SET number = $2, this_update = $3, next_update = $4, pem = $5`,
    [authority.id, String(crl.number), crl.thisUpdate, crl.nextUpdate, crl.pem],
  );
  return crl;
}

/** The newest list; a new one where there is none yet, or half of its life is over. */
export async function currentCrl(session: Session, authority: Authority, now: Date): Promise<Crl> {
  const crl = await newest(session, authority.id);
  if (crl !== null && !isDue(crl, now)) return crl;
  return inTransaction(session, () => nextCrl(session, authority, now));
}

async function newest(session: Session, authority: string): Promise<Crl | null> {
  const { rows } = await session.query(
    `SELECT number, this_update AS "thisUpdate", next_update AS "nextUpdate", pem FROM millrace.device_crls WHERE authority = $1`,
    [authority],
  );
  const [row] = rows as unknown as (Omit<Crl, 'number'> & { number: string })[];
  return row ? { ...row, number: BigInt(row.number) } : null;
}
