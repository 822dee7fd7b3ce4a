/** What is signed is read by OpenSSL, as Mosquitto does. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeAuthority } from '@millrace/bootstrap/certificates.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { type Authority, makeDeviceAuthority, openAuthority } from './authority.ts';
import { type Crl, isDue, REASONS, type Revoked, signCrl } from './crl.ts';
import { type DeviceCertificate, MOST_DAYS, makeDeviceKey, signDevice } from './sign.ts';

const DAY_MS = 86_400_000;
const now = new Date();
const authority = await openAuthority(await makeDeviceAuthority(now));
const folder = mkdtempSync(join(tmpdir(), 'millrace-sign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function certificateOf(device: string, days = 1, from = now, by = authority): Promise<DeviceCertificate> {
  return signDevice(by, { device, days, now: from, publicKey: (await makeDeviceKey()).publicKey });
}

/** What OpenSSL says of a certificate as a client's, with this list. */
function verdict({ certificate }: DeviceCertificate, crl: Crl, { pem }: Authority = authority, purpose = 'sslclient'): string {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const words = ['verify', '-crl_check', '-x509_strict', '-purpose', purpose, '-CAfile', file('ca.crt', pem), '-CRLfile'];
  try {
    const files = [file('crl.pem', crl.pem), file('device.crt', certificate)];
    return (
      execFileSync('openssl', [...words, ...files], { stdio: 'pipe', encoding: 'utf8' })
        .split(': ')[1]
        ?.trim() ?? ''
    );
  } catch (error) {
    return String((error as { stderr: string }).stderr);
  }
}

const empty = await signCrl(authority, [], null, now);

describe('a certificate of a device', () => {
  test('is its name and nothing else, a client and nothing else, and no authority', async () => {
    const signed = await certificateOf('f2-0011', 10);
    const read = new X509Certificate(signed.certificate);
    expect(read.subject).toBe('CN=f2-0011');
    expect(read.subjectAltName).toBeUndefined();
    expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']); // id-kp-clientAuth
    expect(read.ca).toBe(false);
    expect(read.serialNumber.toLowerCase()).toBe(signed.serial);
    expect(read.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(signed.fingerprint);
    expect(Math.round((signed.notAfter.getTime() - now.getTime()) / DAY_MS)).toBe(10);
  });

  test('is good as a client, not as a server', async () => {
    const signed = await certificateOf('f2-0011');
    expect(verdict(signed, empty)).toBe('OK');
    expect(verdict(signed, empty, authority, 'sslserver')).toMatch(/unsuitable certificate purpose/i);
  });

  test('is worth nothing where the installation trusts its own authority, which has the same kind of key', async () => {
    const installation = await openAuthority(await makeAuthority('Millrace', now));
    expect(verdict(await certificateOf('f2-0011'), await signCrl(installation, [], null, now), installation)).toMatch(
      /unable to get local issuer certificate/,
    );
  });

  test('ends', async () => {
    const ended = await certificateOf('f2-0011', 1, new Date(now.getTime() - 2 * DAY_MS));
    expect(verdict(ended, empty)).toMatch(/certificate has expired/);
  });

  test.each([0, -1, 1.5, MOST_DAYS + 1, Number.NaN])('does not live %d days', async (days) => {
    await expect(certificateOf('f2-0011', days)).rejects.toThrow(`allowed are 1 to ${MOST_DAYS}`);
  });

  test('does not outlive its authority', async () => {
    const late = new Date(now.getTime() + 3_600 * DAY_MS);
    await expect(certificateOf('f2-0011', 365, late)).rejects.toThrow('the authority of devices ends before');
  });
});

describe('a list of revoked certificates', () => {
  const revoked = (serial: string, reason: Revoked['reason']): Revoked => ({ serial, at: now, reason });

  test.each(REASONS)('holds those that are revoked for %s, and not the others', async (reason) => {
    const [bad, good] = [await certificateOf('f2-bad'), await certificateOf('f2-good')];
    const crl = await signCrl(authority, [revoked(bad.serial, reason)], empty, now);
    expect(verdict(bad, crl)).toMatch(/certificate revoked/);
    expect(verdict(good, crl)).toBe('OK');
  });

  test('by another authority tells nothing', async () => {
    const other = await openAuthority(await makeDeviceAuthority(now));
    expect(verdict(await certificateOf('f2-0011'), await signCrl(other, [], null, now))).not.toBe('OK');
  });

  test('that is too old lets nobody in', async () => {
    const old = await signCrl(authority, [], null, new Date(now.getTime() - 8 * DAY_MS));
    expect(isDue(old, now)).toBe(true);
    expect(verdict(await certificateOf('f2-0011'), old)).toMatch(/CRL has expired/);
  });

  test('is newer than the one before, however fast they follow', async () => {
    let crl = empty;
    for (let at = 0; at < 300; at++) {
      const next = await signCrl(authority, [], crl, now);
      expect(next.number).toBe(crl.number + 1n);
      expect(next.thisUpdate.getTime()).toBeGreaterThan(crl.thisUpdate.getTime());
      expect(next.thisUpdate.getTime()).toBeLessThan(now.getTime());
      crl = next;
    }
    expect(verdict(await certificateOf('f2-0011'), crl)).toBe('OK');
    writeFileSync(join(folder, 'numbered.pem'), crl.pem);
    const text = execFileSync('openssl', ['crl', '-noout', '-crlnumber', '-in', join(folder, 'numbered.pem')], {
      encoding: 'utf8',
    });
    expect(BigInt(text.trim().replace('crlNumber=', ''))).toBe(crl.number);
  });

  test('is made anew while half of its life is left', () => {
    expect(isDue(empty, new Date(now.getTime() + 3 * DAY_MS))).toBe(false);
    expect(isDue(empty, new Date(now.getTime() + 4 * DAY_MS))).toBe(true);
  });
});
