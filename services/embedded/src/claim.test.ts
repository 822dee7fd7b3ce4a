import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claim, waitForClaim } from './claim.ts';
import { identify } from './identity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'claim-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a second claim names the living holder, and gets its turn after the first', async () => {
  const file = join(folder, 'claim');
  const first = await claim(file);
  expect(await claim(file)).toEqual(identify(process.pid));
  if (typeof first !== 'function') throw new Error('the first claim was refused');
  const second = waitForClaim(file, 10_000, () => undefined);
  first();
  const release = await second;
  first();
  expect(await claim(file), 'a release that comes twice ends the successor').toEqual(identify(process.pid));
  release();
  expect(await claim(file)).toBeTypeOf('function');
});

test('the claim of a process that is gone, or whose id another process has now, is void', async () => {
  const file = join(folder, 'claim');
  writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: 'before the last boot' }));
  expect(await claim(file)).toBeTypeOf('function');
});

test('a claim file cut short by a crash does not block for ever', async () => {
  const file = join(folder, 'claim');
  writeFileSync(file, '{"pid":');
  expect(await claim(file)).toBeTypeOf('function');
});

test('many processes that are killed with the claim in hand never hold it two at a time', async () => {
  writeFileSync(join(folder, 'counter'), '0');
  const rounds = 15;
  const processes = Array.from({ length: 6 }, () =>
    spawn(process.execPath, [join(import.meta.dirname, 'testing/claimant.ts'), folder, String(rounds)], { stdio: 'inherit' }),
  );
  const ends = await Promise.all(processes.map((each) => once(each, 'exit')));
  expect(ends.map(([, signal]) => signal)).toEqual(processes.map(() => 'SIGKILL'));
  expect(Number(readFileSync(join(folder, 'counter'), 'utf8'))).toBe(rounds * processes.length);
});
