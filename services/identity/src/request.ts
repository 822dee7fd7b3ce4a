/**
 * A certificate request of a device (PKCS #10, RFC 2986).
 *
 * Invariant: of a request only the public key is used, after its signature has shown that who asks has the private one.
 * Subject and extensions of the certificate are ours, whatever the request wishes.
 */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { IdentityRefused } from './refused.ts';

export const MOST_REQUEST_BYTES = 16_384;
const BLOCKS = /-----BEGIN (NEW )?CERTIFICATE REQUEST-----[^-]+-----END (NEW )?CERTIFICATE REQUEST-----/g;
const CURVES = ['P-256', 'P-384'];
const RSA_BITS = { least: 2048, most: 4096 };
const COMMON_NAME = '2.5.4.3';

/** @param pem one request @returns the public key of this device @throws IdentityRefused naming what is wrong */
export async function publicKeyOf(pem: string, device: string): Promise<x509.PublicKey> {
  const blocks = pem.length > MOST_REQUEST_BYTES ? [] : (pem.match(BLOCKS) ?? []);
  const [block] = blocks;
  if (block === undefined || blocks.length > 1)
    throw refused(
      `it has ${pem.length} characters and ${blocks.length} blocks of PEM that are read; allowed is one block CERTIFICATE REQUEST, in at most ${MOST_REQUEST_BYTES} characters`,
    );
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(block.replaceAll('NEW CERTIFICATE', 'CERTIFICATE'));
  } catch (error) {
    throw refused(`it cannot be read: ${(error as Error).message}; allowed is PKCS #10`);
  }
  checkSubject(request, device);
  checkKey(request.publicKey.algorithm);
  if (!(await verified(request))) throw refused('its signature is not of its own key; allowed is a request signed by the device');
  return request.publicKey;
}

function checkSubject({ subjectName }: x509.Pkcs10CertificateRequest, device: string): void {
  const parts = subjectName
    .toJSON()
    .flatMap((part) => Object.entries(part).flatMap(([type, values]) => values.map((value) => ({ type, value }))));
  const [part] = parts;
  if (parts.length === 1 && part && (part.type === 'CN' || part.type === COMMON_NAME) && part.value === device) return;
  throw refused(
    `its subject is ${JSON.stringify(subjectName.toString().slice(0, 200))}; allowed is CN=${device} and nothing else`,
  );
}

function checkKey(algorithm: x509.PublicKey['algorithm']): void {
  const { name, namedCurve, modulusLength } = algorithm as { name: string; namedCurve?: string; modulusLength?: number };
  if (namedCurve !== undefined && CURVES.includes(namedCurve) && /^EC/.test(name)) return;
  if (/^RSA/.test(name) && modulusLength !== undefined && modulusLength >= RSA_BITS.least && modulusLength <= RSA_BITS.most)
    return;
  throw refused(
    `its key is ${name} ${namedCurve ?? modulusLength ?? ''}; allowed are ECDSA with ${CURVES.join(' or ')}, and RSA with ${RSA_BITS.least} to ${RSA_BITS.most} bits`,
  );
}

/** Whatever the library cannot compute with is not verified. */
async function verified(request: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    return false;
  }
}

function refused(why: string): IdentityRefused {
  return new IdentityRefused('csr', `the certificate request is refused: ${why}`);
}
