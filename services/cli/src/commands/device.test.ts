import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { requestOf } from '@millrace/identity/testing/request.ts';
import { withSession } from '@millrace/setup/session.ts';
import { migrate } from '@millrace/setup/system.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { quietLog } from '../log.ts';
import { main } from '../program.ts';

let folder: string;
let postgres: EmbeddedPostgres;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-device-'));
  postgres = await startPostgres();
  const pool = connectDatabase({ url: postgres.url, applicationName: 'device.test', log: quietLog() });
  await withSession(pool, 30_000, migrate);
  await pool.end();
});
afterAll(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);

/** `millrace device …`, in this process. */
async function device(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  const written = (spy: typeof stdout): string => spy?.mock.calls.map(([text]) => String(text)).join('') ?? '';
  try {
    const code = await main(['device', ...words, '--data', at('data'), '--database', postgres.url]);
    return { code, stdout: written(stdout), stderr: written(stderr) };
  } finally {
    vi.restoreAllMocks();
  }
}

const openssl = (...words: string[]): string => execFileSync('openssl', words, { encoding: 'utf8', stdio: 'pipe' });
const verify = (name: string): string => {
  try {
    const lists = ['-crl_check', '-CRLfile', at('data/device-ca/crl.pem')];
    return openssl('verify', ...lists, '-CAfile', at('data/device-ca/tls.crt'), at(name)).trim();
  } catch (error) {
    return String((error as { stderr: string }).stderr);
  }
};

test('a device is given a key and a certificate, renewed and taken back, and a broker can read the list each time', async () => {
  const issued = await device('issue', 'f2-1', '--out', folder, '--days', '30');
  expect([issued.code, issued.stderr]).toEqual([0, '']);
  expect(issued.stdout).toContain('f2-1.crt: the certificate of f2-1, good until');
  expect(issued.stdout).not.toContain('PRIVATE KEY');
  expect(statSync(at('f2-1.key')).mode & 0o777).toBe(0o600);
  expect(statSync(at('data/device-ca/tls.key')).mode & 0o777).toBe(0o600);
  expect(verify('f2-1.crt')).toMatch(/OK$/);
  expect(openssl('pkey', '-in', at('f2-1.key'), '-pubout')).toBe(openssl('x509', '-in', at('f2-1.crt'), '-noout', '-pubkey'));

  expect(await device('issue', 'f2-1', '--out', at('data'))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('renew it'),
  });
  expect(existsSync(at('data/f2-1.key'))).toBe(false); // nothing is left of what was refused
  expect((await device('renew', 'f2-1', '--out', at('data'), '--supersede')).code).toBe(0);
  expect(verify('f2-1.crt')).toContain('certificate revoked');
  expect(verify('data/f2-1.crt')).toMatch(/OK$/);

  expect(await device('revoke', 'f2-1', '--reason', 'keyCompromise')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('a broker reads it again at SIGHUP'),
  });
  expect(verify('data/f2-1.crt')).toContain('certificate revoked');
  expect((await device('list')).stdout).toContain('no certificate that is good');
  const all = (await device('list', '--all', '--json')).stdout.trimEnd().split('\n');
  expect(all.map((line) => JSON.parse(line))).toMatchObject([
    { device: 'f2-1', state: 'revoked', reason: 'keyCompromise' },
    { device: 'f2-1', state: 'revoked', reason: 'superseded' },
  ]);
  expect((await device('crl')).stdout).toBe(readFileSync(at('data/device-ca/crl.pem'), 'utf8'));
});

test('a device with a key of its own keeps it', async () => {
  const { pem } = await requestOf('CN=f2-own');
  writeFileSync(at('own.csr'), pem);
  expect((await device('issue', 'f2-own', '--csr', at('own.csr'), '--out', folder)).code).toBe(0);
  expect(verify('f2-own.crt')).toMatch(/OK$/);
  expect(existsSync(at('f2-own.key'))).toBe(false);
  const other = await device('issue', 'f2-other', '--csr', at('own.csr'), '--out', folder);
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('allowed is CN=f2-other and nothing else') });
  expect(existsSync(at('f2-other.crt'))).toBe(false);
});

test('no file is written over', async () => {
  writeFileSync(at('f2-there.key'), 'precious');
  const { code, stderr } = await device('issue', 'f2-there', '--out', folder);
  expect([code, stderr]).toEqual([2, expect.stringContaining('f2-there.key is there already')]);
  expect(readFileSync(at('f2-there.key'), 'utf8')).toBe('precious');
  expect(existsSync(at('f2-there.crt'))).toBe(false);
  expect((await device('list', 'f2-there')).stdout).toContain('no certificate of f2-there');
});

test.each([
  [['issue', 'f2/x'], 'the name of the device is'],
  [['issue', 'f2-x', '--days', '9999'], 'allowed are 1 to 825'],
  [['renew', 'f2-unknown'], 'issue one'],
  [['revoke', 'f2-unknown'], 'nothing is there to revoke'],
  [['issue', 'f2-x', '--ca', '/nowhere'], '/nowhere/tls.crt cannot be read'],
  [['send', 'f2-x', 'y'], 'no broker is given'],
  [['send', 'f2-x', 'y', '--mqtt', 'mqtt://broker.example.org'], 'without TLS only a broker on this machine'],
])('%j is refused in a sentence', async (words, sentence) => {
  const more = ['issue', 'renew'].includes(words[0] ?? '') ? ['--out', folder] : [];
  const { code, stderr } = await device(...words, ...more);
  expect(stderr).toContain(sentence);
  expect(code).toBe(sentence.includes('cannot be read') ? 1 : 2);
});
