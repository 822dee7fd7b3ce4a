/**
 * The certificate of a device (RFC 5280): a client and nothing else, with its name as the only subject.
 *
 * Invariant: it does not outlive the authority, since a broker would refuse it from then on without a word.
 */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { ALGORITHM, pemKey, validity } from '@millrace/bootstrap/certificates.ts';
import * as x509 from '@peculiar/x509';
import type { Authority } from './authority.ts';
import { IdentityRefused } from './refused.ts';

/** Longest life, days. */
export const MOST_DAYS = 825;
const SERIAL_BYTES = 16;

export interface DeviceCertificate {
  /** PEM. */
  certificate: string;
  /** Hex, as CRLs and OpenSSL have it. */
  serial: string;
  /** SHA-256 of the certificate, hex. */
  fingerprint: string;
  notBefore: Date;
  notAfter: Date;
}

export interface Wanted {
  device: string;
  publicKey: x509.PublicKey;
  days: number;
  now: Date;
  /** Hex; left out: a random one. */
  serial?: string;
}

/** @throws IdentityRefused for a life that is not allowed */
export async function signDevice(
  authority: Authority,
  { device, publicKey, days, now, serial = serialOf(randomBytes(SERIAL_BYTES)) }: Wanted,
): Promise<DeviceCertificate> {
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS)
    throw new IdentityRefused('days', `the certificate is to live ${days} days; allowed are 1 to ${MOST_DAYS}`);
  const life = validity(now, days);
  const end = authority.certificate.notAfter;
  if (life.notAfter > end)
    throw new IdentityRefused(
      'days',
      `the certificate is to live ${days} days; the authority of devices ends before, at ${end.toISOString()}`,
    );
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ CN: [device] }],
    issuer: authority.certificate.subjectName,
    ...life,
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: authority.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate),
    ],
  });
  const { notBefore, notAfter } = certificate;
  const fingerprint = Buffer.from(await certificate.getThumbprint('SHA-256')).toString('hex');
  return { certificate: `${certificate.toString('pem')}\n`, serial, fingerprint, notBefore, notAfter };
}

/** A key for a device that has none of its own; PEM, PKCS #8. It exists nowhere else. */
export async function makeDeviceKey(): Promise<{ key: string; publicKey: x509.PublicKey }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  return { key: `${await pemKey(keys.privateKey)}\n`, publicKey: await x509.PublicKey.create(keys.publicKey) };
}

/** Positive and of full length, so that it is written in one way only. @param bytes 16 or more; what is above is left out */
export function serialOf(bytes: Buffer): string {
  const serial = Buffer.from(bytes.subarray(0, SERIAL_BYTES));
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.toString('hex');
}
