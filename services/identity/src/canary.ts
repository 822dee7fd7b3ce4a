/**
 * The certificate by which a broker shows which list of revoked certificates it has: each list holds the number of one that is its own,
 * and a broker that refuses that one as revoked has that list.
 *
 * Invariants: it is signed when it is needed, recorded nowhere and given to nobody; where a broker lets it in, it may do nothing that anybody
 * looks at: its name is the platform's.
 */
import { createHash } from 'node:crypto';
import type { KeyPair } from '@millrace/bootstrap/certificates.ts';
import type { Authority } from './authority.ts';
import { RESERVED } from './deviceName.ts';
import { makeDeviceKey, serialOf, signDevice } from './sign.ts';

const NAME = `${RESERVED}-canary`;
const DAYS = 1;

/** Hex. @param list its number */
export function canarySerial({ id }: Pick<Authority, 'id'>, list: bigint): string {
  return serialOf(createHash('sha256').update(`${id} ${list}`).digest());
}

/** @param list the number of the one that revokes it */
export async function signCanary(authority: Authority, list: bigint, now: Date): Promise<KeyPair> {
  const { key, publicKey } = await makeDeviceKey();
  const serial = canarySerial(authority, list);
  const { certificate } = await signDevice(authority, { device: NAME, publicKey, days: DAYS, now, serial });
  return { certificate, key };
}
