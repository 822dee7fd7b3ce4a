/**
 * Gives devices their certificates, and takes them back.
 *
 * Invariants: no certificate leaves before it is recorded; a revocation and the CRL that tells of it are one transaction;
 * who asks for the same device at the same time takes turns.
 */
import { inTransaction, type Session, takeTurn, withSession } from '@millrace/setup/session.ts';
import type { PublicKey } from '@peculiar/x509';
import type { Pool } from 'pg';
import type { Authority } from './authority.ts';
import type { Crl, Reason } from './crl.ts';
import { deviceNameOf } from './deviceName.ts';
import { currentCrl, nextCrl } from './lists.ts';
import { markRevoked, type Recorded, record, recorded, valid } from './records.ts';
import { IdentityRefused } from './refused.ts';
import { type DeviceCertificate, signDevice } from './sign.ts';

const STATEMENT_MS = 30_000;

export interface IdentityOptions {
  pool: Pool;
  authority: Authority;
  /** Who does it: recorded with each certificate. */
  by: string;
  now?: () => Date;
}

export interface Asked {
  device: string;
  publicKey: PublicKey;
  days: number;
}

export interface Identity {
  /** For a device that has none. @throws IdentityRefused where it has a valid one */
  issue(asked: Asked): Promise<DeviceCertificate>;
  /**
   * For a device that has one. The former ones stay good until they end, so that the device can change over; with `supersede` they
   * are revoked at once. @throws IdentityRefused where it has no valid one
   */
  renew(asked: Asked & { supersede: boolean }): Promise<DeviceCertificate>;
  /** All that it could connect with. @throws IdentityRefused where there is none */
  revoke(device: string, reason: Reason): Promise<{ serials: string[]; crl: Crl }>;
  list(device: string | null): Promise<Recorded[]>;
  /** The list of those that are revoked; made anew where half of its life is over. */
  crl(): Promise<Crl>;
}

export function identityOf({ pool, authority, by, now = () => new Date() }: IdentityOptions): Identity {
  const alone = <T>(device: string, work: (session: Session, others: Recorded[]) => Promise<T>): Promise<T> =>
    withSession(pool, STATEMENT_MS, (session) =>
      inTransaction(session, async () => {
        await takeTurn(session, `millrace device ${device}`, 'transaction');
        return work(session, await valid(session, authority.id, device, now()));
      }),
    ).catch((error: unknown) => {
      throw explained(error);
    });
  const sign = async (session: Session, asked: Asked): Promise<DeviceCertificate> => {
    const signed = await signDevice(authority, { ...asked, now: now() });
    await record(session, authority.id, asked.device, signed, by);
    return signed;
  };
  const read = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    withSession(pool, STATEMENT_MS, work).catch((error: unknown) => {
      throw explained(error);
    });

  return {
    issue: async (asked) =>
      alone(deviceNameOf(asked.device), async (session, [other]) => {
        if (other)
          throw new IdentityRefused(
            'device',
            `${asked.device} has a certificate that is good until ${other.notAfter.toISOString()}; renew it, or revoke it first`,
            true,
          );
        return sign(session, asked);
      }),
    renew: async ({ supersede, ...asked }) =>
      alone(deviceNameOf(asked.device), async (session, others) => {
        if (others.length === 0)
          throw new IdentityRefused('device', `${asked.device} has no certificate that is good now; issue one`, true);
        const signed = await sign(session, asked);
        if (supersede) {
          await markRevoked(session, serialsOf(others), by, 'superseded');
          await nextCrl(session, authority, now());
        }
        return signed;
      }),
    revoke: async (device, reason) =>
      alone(deviceNameOf(device), async (session, others) => {
        if (others.length === 0)
          throw new IdentityRefused('device', `${device} has no certificate that is good now; nothing is there to revoke`, true);
        const serials = serialsOf(others);
        await markRevoked(session, serials, by, reason);
        return { serials, crl: await nextCrl(session, authority, now()) };
      }),
    list: (device) => read((session) => recorded(session, null, device)),
    crl: () => read((session) => currentCrl(session, authority, now())),
  };
}

function serialsOf(certificates: readonly Recorded[]): string[] {
  return certificates.map(({ serial }) => serial);
}

/** UNDEFINED_TABLE and INVALID_SCHEMA_NAME: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function explained(error: unknown): unknown {
  const { code } = error as { code?: string };
  if (code !== '42P01' && code !== '3F000') return error;
  return new Error('this database has no tables for devices yet: set up a Pipeline in it first (millrace setup or run)', {
    cause: error,
  });
}
