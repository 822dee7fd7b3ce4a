/**
 * The certificate by which a broker shows which list of revoked certificates it has: each list holds the serial of one that is its own,
 * and a broker that refuses that one as revoked has that list.
 *
 * Invariants: it is signed when it is needed, recorded nowhere and given to nobody; where a broker lets it in, it may do nothing that anybody
 * looks at: its name is the platform's.
 */
import { createHash } from 'node:crypto';
import type { KeyPair } from '@millrace/bootstrap/certificates.ts';
import type { Authority } from './authority.ts';
import type { Crl } from './crl.ts';
import { RESERVED } from './deviceName.ts';
import { makeDeviceKey, serialOf, signDevice } from './sign.ts';

const NAME = `${RESERVED}-canary`;
const DAYS = 1;

/** What makes a list another one, also where the records were lost and numbers begin anew. */
export type ListId = Pick<Crl, 'number' | 'thisUpdate'>;

/** Hex. */
export function canarySerial({ id }: Pick<Authority, 'id'>, { number, thisUpdate }: ListId): string {
  return serialOf(createHash('sha256').update(`${id} ${number} ${thisUpdate.toISOString()}`).digest());
}

/** @param list the one that revokes it */
export async function signCanary(authority: Authority, list: ListId, now: Date): Promise<KeyPair> {
  const { key, publicKey } = await makeDeviceKey();
  const serial = canarySerial(authority, list);
  const { certificate } = await signDevice(authority, { device: NAME, publicKey, days: DAYS, now, serial });
  return { certificate, key };
}
