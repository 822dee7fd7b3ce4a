/**
 * The list of revoked certificates (CRL, RFC 5280 section 5).
 *
 * Invariants: each list is newer than the one before by its number and by at least a second of `thisUpdate` (of two of the
 * same second OpenSSL keeps the one that it had first, and so would a broker that reads a new one while it runs); it lies in the past
 * for every clock that is right within an hour. Each holds a serial of its own, by which a broker shows that it has it (`canary.ts`).
 */
import 'reflect-metadata';
import { ALGORITHM } from '@millrace/bootstrap/certificates.ts';
import * as x509 from '@peculiar/x509';
import type { Authority } from './authority.ts';
import { canarySerial } from './canary.ts';

/** RFC 7468 section 6; the library's own, CRL, is read by nobody. */
const PEM_LABEL = 'X509 CRL';
const CRL_NUMBER = '2.5.29.20';
const BACKDATE_MS = 3_600_000;
/** After it a broker lets nobody in, so that withholding lists does not undo a revocation. */
const LIFE_MS = 7 * 86_400_000;

/** Why, as RFC 5280 calls it. `unspecified` is written by leaving the reason out. */
export const REASONS = ['unspecified', 'keyCompromise', 'superseded', 'cessationOfOperation'] as const;
export type Reason = (typeof REASONS)[number];

export interface Revoked {
  /** Hex. */
  serial: string;
  at: Date;
  reason: Reason;
}

export interface Crl {
  number: bigint;
  thisUpdate: Date;
  nextUpdate: Date;
  /** PEM. */
  pem: string;
}

/** When the next list is made at the latest: with half of its life left. */
export function isDue({ nextUpdate }: Pick<Crl, 'nextUpdate'>, now: Date): boolean {
  return nextUpdate.getTime() - now.getTime() < LIFE_MS / 2;
}

/** @param previous the list before; null: this is the first */
export async function signCrl(
  authority: Authority,
  revoked: readonly Revoked[],
  previous: Pick<Crl, 'number' | 'thisUpdate'> | null,
  now: Date,
): Promise<Crl> {
  const number = (previous?.number ?? 0n) + 1n;
  const earliest = previous === null ? 0 : previous.thisUpdate.getTime() + 1_000;
  const thisUpdate = wholeSecond(Math.max(now.getTime() - BACKDATE_MS, earliest));
  const nextUpdate = wholeSecond(now.getTime() + LIFE_MS);
  const canary: Revoked = { serial: canarySerial(authority, { number, thisUpdate }), at: thisUpdate, reason: 'unspecified' };
  const list = await x509.X509CrlGenerator.create({
    issuer: authority.certificate.subjectName.toJSON(),
    thisUpdate,
    nextUpdate,
    signingAlgorithm: ALGORITHM,
    signingKey: authority.key,
    entries: [...revoked, canary].map(({ serial, at, reason }) => ({
      serialNumber: serial,
      revocationDate: at,
      reason: x509.X509CrlReason[reason],
    })),
    extensions: [
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate),
      new x509.Extension(CRL_NUMBER, false, derInteger(number)),
    ],
  });
  return { number, thisUpdate, nextUpdate, pem: `${x509.PemConverter.encode(list.rawData, PEM_LABEL)}\n` };
}

function wholeSecond(ms: number): Date {
  return new Date(Math.floor(ms / 1_000) * 1_000);
}

/** A positive INTEGER in DER (X.690 section 8.3). */
function derInteger(value: bigint): Uint8Array<ArrayBuffer> {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const content = (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return Uint8Array.from([0x02, content.length, ...content]);
}
