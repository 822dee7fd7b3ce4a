import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeDeviceAuthority } from './authority.ts';
import { ensureAuthority, readAuthority } from './authorityFolder.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-authority-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const now = new Date();

test('of many who need it first, one makes it, and all have the same', async () => {
  const folder = join(root, 'made', 'ca');
  const ids = await Promise.all([1, 2, 3, 4, 5].map(async () => (await ensureAuthority(folder, now)).id));
  expect(new Set(ids).size).toBe(1);
  expect((await ensureAuthority(folder, now)).id).toBe(ids[0]);
  expect(readdirSync(join(root, 'made'))).toEqual(['ca']);
});

test('nobody else can read its key', async () => {
  const folder = join(root, 'private');
  await ensureAuthority(folder, now);
  expect(statSync(join(folder, 'tls.key')).mode & 0o777).toBe(0o600);
});

describe('what is there is never replaced, and never half of it', () => {
  test.each(['tls.crt', 'tls.key'])('a folder without %s', async (file) => {
    const folder = join(root, `without-${file}`);
    await ensureAuthority(folder, now);
    const other = file === 'tls.crt' ? 'tls.key' : 'tls.crt';
    const before = readFileSync(join(folder, other), 'utf8');
    rmSync(join(folder, file));
    await expect(ensureAuthority(folder, now)).rejects.toThrow(join(folder, file));
    expect(readFileSync(join(folder, other), 'utf8')).toBe(before);
    expect(existsSync(join(folder, file))).toBe(false);
  });

  test('a key of another authority', async () => {
    const folder = join(root, 'mixed');
    await ensureAuthority(folder, now);
    chmodSync(join(folder, 'tls.key'), 0o600);
    writeFileSync(join(folder, 'tls.key'), (await makeDeviceAuthority(now)).key);
    await expect(readAuthority(folder)).rejects.toThrow('do not belong together');
  });

  test('nonsense, of which no error says what it is', async () => {
    const folder = join(root, 'nonsense');
    mkdirSync(folder);
    writeFileSync(join(folder, 'tls.crt'), '-----BEGIN CERTIFICATE-----\nsecret\n-----END CERTIFICATE-----\n');
    writeFileSync(join(folder, 'tls.key'), '-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n');
    const error: unknown = await readAuthority(folder).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('the authority of devices cannot be read');
    expect(String(error)).not.toContain('secret');
  });
});
