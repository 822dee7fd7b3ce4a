/** The newest CRL of an authority, in `millrace.device_crls`. */
import { inTransaction, type Session, takeTurn } from '@millrace/setup/session.ts';
import type { Authority } from './authority.ts';
import { type Crl, isDue, signCrl } from './crl.ts';
import { revokedOf } from './records.ts';

/** Makes the next list, inside of the transaction that revoked. */
export async function nextCrl(session: Session, authority: Authority, now: Date): Promise<Crl> {
  await myTurn(session, authority);
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
  const good = async (): Promise<Crl | null> => {
    const crl = await newest(session, authority.id);
    return crl === null || isDue(crl, now) ? null : crl;
  };
  return (
    (await good()) ??
    (await inTransaction(session, async () => {
      await myTurn(session, authority);
      return (await good()) ?? (await nextCrl(session, authority, now)); // somebody else may have been first
    }))
  );
}

function myTurn(session: Session, { id }: Authority): Promise<void> {
  return takeTurn(session, `millrace CRL ${id}`, 'transaction');
}

/** null: there is none yet. */
export async function newest(session: Session, authority: string): Promise<Crl | null> {
  const { rows } = await session.query(
    `SELECT number, this_update AS "thisUpdate", next_update AS "nextUpdate", pem FROM millrace.device_crls WHERE authority = $1`,
    [authority],
  );
  const [row] = rows as unknown as (Omit<Crl, 'number'> & { number: string })[];
  return row ? { ...row, number: BigInt(row.number) } : null;
}
