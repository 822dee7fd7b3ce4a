/**
 * The authority of devices: one of its own, so that a certificate of a device is worth nothing where the installation's
 * authority is trusted (Kafka's brokers, the database, servers), and the other way round (docs/decisions/0036).
 */
import 'reflect-metadata'; // the library's container wants it loaded first
import { DEVICE_AUTHORITY, type KeyPair, makeAuthority, signingKeyOf } from '@millrace/bootstrap/certificates.ts';
import * as x509 from '@peculiar/x509';

export interface Authority {
  /** SHA-256 of its certificate, hex: under which its certificates are recorded. */
  id: string;
  certificate: x509.X509Certificate;
  /** PEM. */
  pem: string;
  key: Awaited<ReturnType<typeof signingKeyOf>>;
}

export function makeDeviceAuthority(now: Date): Promise<KeyPair> {
  return makeAuthority(DEVICE_AUTHORITY, now);
}

/** @throws Error where certificate and key cannot be read, or do not belong together; it says nothing of what they hold */
export async function openAuthority(pair: KeyPair): Promise<Authority> {
  let certificate: x509.X509Certificate;
  let key: Authority['key'];
  try {
    certificate = new x509.X509Certificate(pair.certificate);
    key = await signingKeyOf(pair);
  } catch (error) {
    throw new Error(
      `the authority of devices cannot be read: ${(error as Error).message}; needed are a certificate and an ECDSA key of P-256, both in PEM`,
      { cause: error },
    );
  }
  if (!certificate.getExtension(x509.BasicConstraintsExtension)?.ca)
    throw new Error('the authority of devices is no authority: its certificate may sign nothing');
  if (!(await isKeyOf(certificate, key)))
    throw new Error('certificate and key of the authority of devices do not belong together');
  const digest = Buffer.from(await certificate.getThumbprint('SHA-256'));
  return { id: digest.toString('hex'), certificate, pem: certificate.toString('pem'), key };
}

async function isKeyOf(certificate: x509.X509Certificate, key: Authority['key']): Promise<boolean> {
  const sample = new Uint8Array(32);
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  try {
    const signature = await crypto.subtle.sign(algorithm, key, sample);
    return await crypto.subtle.verify(algorithm, await certificate.publicKey.export(), signature, sample);
  } catch {
    return false; // a key of another kind or curve
  }
}
