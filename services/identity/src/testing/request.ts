/** A certificate request as a device makes it. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { ALGORITHM, pemKey } from '@millrace/bootstrap/certificates.ts';
import * as x509 from '@peculiar/x509';

export async function requestOf(
  subject: string,
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams = ALGORITHM,
  extensions: x509.Extension[] = [],
): Promise<{ pem: string; key: string; publicKey: Buffer }> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: algorithm,
    extensions,
  });
  return {
    pem: request.toString('pem'),
    key: await pemKey(keys.privateKey),
    publicKey: Buffer.from(request.publicKey.rawData),
  };
}
