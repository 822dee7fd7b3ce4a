import 'reflect-metadata';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { withSession } from '@millrace/setup/session.ts';
import { migrate } from '@millrace/setup/system.ts';
import * as x509 from '@peculiar/x509';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, makeDeviceAuthority, openAuthority } from './authority.ts';
import { canarySerial } from './canary.ts';
import type { Crl } from './crl.ts';
import { type Identity, type IdentityOptions, identityOf } from './identity.ts';
import { makeDeviceKey } from './sign.ts';

const DAY_MS = 86_400_000;
const log = pino({ level: 'silent' });

let postgres: EmbeddedPostgres;
let pool: Pool;
let authority: Authority;
beforeAll(async () => {
  postgres = await startPostgres();
  pool = connectDatabase({ url: postgres.url, applicationName: 'identity.test', log });
  authority = await openAuthority(await makeDeviceAuthority(new Date()));
  await expect(identity().list(null)).rejects.toThrow('has no tables for devices yet: set up a Pipeline');
  await withSession(pool, 30_000, migrate);
});
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

function identity(more: Partial<IdentityOptions> = {}): Identity {
  return identityOf({ pool, authority, by: 'tests@here', ...more });
}

const after = (days: number): Date => new Date(Date.now() + days * DAY_MS);

const ask = async (device: string, days = 10) => ({ device, days, publicKey: (await makeDeviceKey()).publicKey });

/** Without the one that each list has of its own. */
function listed(crl: Crl, of = authority): string[] {
  const serials = new x509.X509Crl(crl.pem).entries.map(({ serialNumber }) => serialNumber);
  const own = canarySerial(of, crl);
  expect(serials).toContain(own);
  return serials.filter((serial) => serial !== own).toSorted();
}

describe('a device', () => {
  test('has one certificate, however many ask for it at the same time', async () => {
    const asked = await Promise.all(Array.from({ length: 6 }, () => ask('f2-raced')));
    const all = await Promise.allSettled(asked.map((one) => identity().issue(one)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const [refusal] = all.filter((one) => one.status === 'rejected');
    expect(String(refusal?.reason)).toContain('f2-raced has a certificate that is good until');
    expect(await identity().list('f2-raced')).toMatchObject([{ device: 'f2-raced', issuedBy: 'tests@here', revokedAt: null }]);
  });

  test('gets another one where its own has ended', async () => {
    await identity({ now: () => after(-20) }).issue(await ask('f2-ended'));
    await expect(identity().renew({ ...(await ask('f2-ended')), supersede: false })).rejects.toThrow('issue one');
    await identity().issue(await ask('f2-ended'));
    expect(await identity().list('f2-ended')).toHaveLength(2);
  });

  test('renews: the former one stays good, unless it is superseded', async () => {
    const first = await identity().issue(await ask('f2-renews'));
    const second = await identity().renew({ ...(await ask('f2-renews')), supersede: false });
    expect(listed(await identity().crl())).not.toContain(first.serial);
    const third = await identity().renew({ ...(await ask('f2-renews')), supersede: true });
    const revoked = listed(await identity().crl());
    expect(revoked).toEqual(expect.arrayContaining([first.serial, second.serial]));
    expect(revoked).not.toContain(third.serial);
  });

  test('of a name that is none, or the platform’s own, gets nothing', async () => {
    for (const name of ['f2/x', 'millrace-commands', '+'])
      await expect(identity().issue(await ask(name))).rejects.toThrow('the name of the device is');
    expect((await identity().list(null)).map(({ device }) => device)).not.toContain('millrace-commands');
  });

  test('that is refused leaves no record', async () => {
    await expect(identity().issue(await ask('f2-forever', 10_000))).rejects.toThrow('allowed are 1 to');
    expect(await identity().list('f2-forever')).toEqual([]);
  });
});

describe('a revocation', () => {
  test('is in the list in the moment in which it is recorded, with who did it and why', async () => {
    const { serial } = await identity().issue(await ask('f2-stolen'));
    const before = await identity().crl();
    const { serials, crl } = await identity({ by: 'anna@desk' }).revoke('f2-stolen', 'keyCompromise');
    expect(serials).toEqual([serial]);
    expect(crl.number).toBe(before.number + 1n);
    expect(listed(crl)).toContain(serial);
    expect((await identity().crl()).pem).toBe(crl.pem);
    expect(await identity().list('f2-stolen')).toMatchObject([{ revokedBy: 'anna@desk', reason: 'keyCompromise' }]);
    await expect(identity().revoke('f2-stolen', 'unspecified')).rejects.toThrow('nothing is there to revoke');
  });

  test('is in no list that misses another one, however many revoke at the same time', async () => {
    const names = Array.from({ length: 8 }, (_, at) => `f2-many-${at}`);
    for (const name of names) await identity().issue(await ask(name));
    const all = await Promise.all(names.map((name) => identity().revoke(name, 'cessationOfOperation')));
    const numbers = all.map(({ crl }) => crl.number);
    expect(new Set(numbers).size).toBe(names.length);
    expect(listed(await identity().crl())).toEqual(expect.arrayContaining(all.flatMap(({ serials }) => serials)));
  });

  test('lets the device have another certificate, which is good', async () => {
    await identity().issue(await ask('f2-again'));
    await identity().revoke('f2-again', 'keyCompromise');
    const { serial } = await identity().issue(await ask('f2-again'));
    expect(listed(await identity().crl())).not.toContain(serial);
  });

  test('leaves the list once its certificate has ended', async () => {
    const { serial } = await identity({ now: () => after(-20) }).issue({ ...(await ask('f2-over')), days: 21 });
    await identity().revoke('f2-over', 'unspecified');
    expect(listed(await identity().crl())).toContain(serial);
    await pool.query(`UPDATE millrace.device_certificates SET not_after = not_after - interval '5 days' WHERE serial = $1`, [
      serial,
    ]);
    expect(listed(await identity({ now: () => after(5) }).crl())).not.toContain(serial);
  });
});

describe('the list', () => {
  test('is made anew before it ends, by one of all who ask', async () => {
    const now = () => after(10);
    const { number } = await identity().crl();
    const later = await Promise.all(Array.from({ length: 4 }, () => identity({ now }).crl()));
    const newest = await identity({ now }).crl();
    expect(newest.number).toBeGreaterThan(number);
    expect(newest.nextUpdate.getTime()).toBeGreaterThan(after(16).getTime());
    expect(new Set(later.map(({ pem }) => pem)).size).toBe(1);
  });

  test('of another authority is another', async () => {
    const other = await openAuthority(await makeDeviceAuthority(new Date()));
    const crl = await identity({ authority: other }).crl();
    expect(crl.number).toBe(1n);
    expect(listed(crl, other)).toEqual([]);
    await expect(identity({ authority: other }).revoke('f2-raced', 'unspecified')).rejects.toThrow('nothing is there to revoke');
  });
});
