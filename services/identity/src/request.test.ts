import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import { IdentityRefused } from './refused.ts';
import { MOST_REQUEST_BYTES, publicKeyOf } from './request.ts';
import { requestOf } from './testing/request.ts';

const DEVICE = 'f2-0011aabbccdd';

async function refusal(pem: string): Promise<string> {
  const error: unknown = await publicKeyOf(pem, DEVICE).catch((thrown: unknown) => thrown);
  if (!(error instanceof IdentityRefused)) throw new Error(`not refused: ${String(error)}`);
  expect(error.field).toBe('csr');
  return error.message;
}

const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});

describe('a device brings a key of its own', () => {
  test.each([
    ['P-256', { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }],
    ['P-384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }],
    ['RSA of 2048 bits', rsa(2048)],
  ])('%s is taken', async (_name, algorithm) => {
    const { pem, publicKey } = await requestOf(`CN=${DEVICE}`, algorithm);
    expect(Buffer.from((await publicKeyOf(pem, DEVICE)).rawData)).toEqual(publicKey);
  });

  test('as OpenSSL writes it, with text before and after it', async () => {
    const { pem } = await requestOf(`CN=${DEVICE}`);
    expect(await publicKeyOf(`Certificate Request:\n    Data: …\n${pem}\n`, DEVICE)).toBeInstanceOf(x509.PublicKey);
  });

  test.each([
    ['RSA of 1024 bits', rsa(1024)],
    ['P-521', { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' }],
  ])('%s is refused', async (_name, algorithm) => {
    expect(await refusal((await requestOf(`CN=${DEVICE}`, algorithm)).pem)).toContain('allowed are ECDSA with P-256 or P-384');
  });
});

describe('a device cannot get a certificate of another name', () => {
  test.each([
    'CN=f2-other',
    `CN=${DEVICE},CN=f2-other`,
    `CN=f2-other+CN=${DEVICE}`,
    `CN=${DEVICE},O=millrace`,
    `CN=${DEVICE.toUpperCase()}`,
    `CN="${DEVICE} "`,
    `O=${DEVICE}`,
    '',
  ])('subject %j', async (subject) => {
    expect(await refusal((await requestOf(subject)).pem)).toContain(`allowed is CN=${DEVICE} and nothing else`);
  });
});

describe('what is no request of this device', () => {
  test('one that it took from another device: the key in it is not the one that signed', async () => {
    const [own, other] = await Promise.all([requestOf(`CN=${DEVICE}`), requestOf(`CN=${DEVICE}`)]);
    const der = Buffer.from(x509.PemConverter.decodeFirst(own.pem));
    other.publicKey.copy(der, der.indexOf(own.publicKey)); // both have the same length
    expect(await refusal(x509.PemConverter.encode(der, 'CERTIFICATE REQUEST'))).toContain('its signature is not of its own key');
  });

  test.each([
    ['nothing', ''],
    ['nonsense', 'hello'],
    ['a block of nonsense', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
  ])('%s', async (_name, text) => {
    expect(await refusal(text)).toContain('the certificate request is refused');
  });

  test('two, of which nobody could tell which one counts', async () => {
    const { pem } = await requestOf(`CN=${DEVICE}`);
    expect(await refusal(`${pem}\n${pem}`)).toContain('allowed is one block');
  });

  test('one that is too long', async () => {
    const { pem } = await requestOf(`CN=${DEVICE}`);
    expect(await refusal(pem + ' '.repeat(MOST_REQUEST_BYTES))).toContain('in at most');
  });
});

test('what a request wishes is not in it for long: only its key is used', async () => {
  const wish = new x509.BasicConstraintsExtension(true, 3, true);
  const { pem } = await requestOf(`CN=${DEVICE}`, undefined, [wish]);
  const key = await publicKeyOf(pem, DEVICE);
  expect(key).toBeInstanceOf(x509.PublicKey);
  expect(await webcrypto.subtle.exportKey('spki', await key.export())).toEqual(key.rawData);
});
