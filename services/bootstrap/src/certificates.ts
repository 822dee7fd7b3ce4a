/** Authorities of our own, and certificates of servers and roles by them: ECDSA P-256, PEM. */
import 'reflect-metadata'; // the library's container wants it loaded first
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** How the authority of devices is called; it is another one (docs/decisions/0036). */
export const DEVICE_AUTHORITY = 'Millrace devices';
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const SERVER_DAYS = 730;
/** Clocks differ. */
const BACKDATE_MS = 3_600_000;

export interface KeyPair {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. */
  key: string;
}

/** @param commonName what people see of it; nothing depends on it */
export async function makeAuthority(commonName: string, now: Date): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    ...validity(now, AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pemKey(keys.privateKey) };
}

/** A certificate for servers that also show it to each other as clients. @param hosts names by which it is reached */
export async function makeServer(authority: KeyPair, commonName: string, hosts: readonly string[], now: Date): Promise<KeyPair> {
  return makeLeaf(authority, commonName, now, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
    new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value }))),
  ]);
}

/** A certificate for a role that is a client only: no server can be made of it. */
export async function makeClient(authority: KeyPair, commonName: string, now: Date): Promise<KeyPair> {
  return makeLeaf(authority, commonName, now, [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]);
}

async function makeLeaf(authority: KeyPair, commonName: string, now: Date, uses: x509.Extension[]): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [commonName] }],
    issuer: issuer.subjectName,
    ...validity(now, SERVER_DAYS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(authority),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...uses,
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pemKey(keys.privateKey) };
}

/** @throws Error where it is no ECDSA key of P-256 */
export function signingKeyOf({ key }: KeyPair): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(key), ALGORITHM, false, ['sign']);
}

/**
 * Why a server's certificate has to be made anew; null where it is good: of this authority, for these hosts, and with more
 * than a third of its time left.
 */
export async function flawOf(pem: string, authority: KeyPair, hosts: readonly string[], now: Date): Promise<string | null> {
  let certificate: x509.X509Certificate;
  try {
    certificate = new x509.X509Certificate(pem);
  } catch {
    return 'it cannot be read';
  }
  const issuer = new x509.X509Certificate(authority.certificate);
  if (!(await certificate.verify({ publicKey: issuer, signatureOnly: true }))) return 'it is of another authority';
  const named =
    certificate
      .getExtension(x509.SubjectAlternativeNameExtension)
      ?.names.toJSON()
      .map(({ value }) => value) ?? [];
  const missing = hosts.filter((host) => !named.includes(host));
  if (missing.length > 0) return `it is not for ${missing.join(', ')}`;
  const total = certificate.notAfter.getTime() - certificate.notBefore.getTime();
  return certificate.notAfter.getTime() - now.getTime() < total / 3 ? `it ends at ${certificate.notAfter.toISOString()}` : null;
}

/** From a little before, since clocks differ. */
export function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - BACKDATE_MS), notAfter: new Date(now.getTime() + days * DAY_MS) };
}

export async function pemKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
