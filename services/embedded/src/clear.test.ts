import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearFolder } from './clear.ts';
import { identify } from './identity.ts';
import { hold } from './testing/hold.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'clear-test-'));
  chmodSync(scratch, 0o711);
});
afterEach(() => rmSync(scratch, { recursive: true }));

test('nothing is removed under a server in use; one that was left over is ended and removed', async () => {
  const home = join(scratch, 'home');
  mkdirSync(join(home, 'kafka'), { recursive: true });
  writeFileSync(join(home, 'kafka', 'some.jar'), '');
  const { holder, pid, kill } = await hold('postgres', join(home, 'data', 'postgres'));
  await expect(clearFolder(home)).rejects.toThrow(`is in use by process ${holder.pid}`);
  expect(existsSync(join(home, 'kafka', 'some.jar'))).toBe(true);
  await kill();
  expect(identify(pid), 'the server').toBeDefined();
  await clearFolder(home);
  expect(identify(pid), 'the server').toBeUndefined();
  expect(existsSync(home)).toBe(false);
});

test('data that stands elsewhere goes, too; a home that is not there is fine', async () => {
  const home = join(scratch, 'home');
  const elsewhere = join(scratch, 'elsewhere');
  mkdirSync(join(home, 'data'), { recursive: true });
  mkdirSync(elsewhere);
  writeFileSync(join(home, 'data', 'moved-to'), `${elsewhere}\n`);
  await clearFolder(home);
  await clearFolder(home);
  expect([home, elsewhere].filter(existsSync)).toEqual([]);
});
