import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepRunning } from '@millrace/core/role/keepRunning.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startChild } from './child.ts';

const log = pino({ level: 'silent' });
let folder: string;
let script: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-child-'));
  script = join(folder, 'role.mjs');
  // Says that it runs, drains on SIGTERM, and ends when the supervisor is gone.
  writeFileSync(
    script,
    `console.log('started', process.pid);
     process.on('SIGTERM', () => { console.log('drained', process.pid); process.exit(0); });
     process.on('disconnect', () => { console.log('alone', process.pid); process.exit(0); });
     setInterval(() => {}, 1000);`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function pids(logFile: string, word: string): number[] {
  return [...readFileSync(logFile, 'utf8').matchAll(new RegExp(`${word} (\\d+)`, 'g'))].map((match) => Number(match[1]));
}

test('a role that is killed comes back, and people are told', async () => {
  const logFile = join(folder, 'killed.log');
  const said: string[] = [];
  const start = () =>
    startChild({ name: 'sink', arguments: [script], env: process.env, logFile, say: (line) => said.push(line) });
  const kept = keepRunning(start, log);
  await vi.waitUntil(() => kept.health().ready && pids(logFile, 'started').length === 1, { timeout: 10_000 });
  const [first] = pids(logFile, 'started');
  process.kill(Number(first), 'SIGKILL');
  await vi.waitUntil(() => pids(logFile, 'started').length === 2, { timeout: 10_000 });
  expect(said).toEqual([`the sink (process ${first}) was ended by SIGKILL; it is started again. Its log: ${logFile}`]);
  await kept.stop();
  expect(pids(logFile, 'drained')).toEqual(pids(logFile, 'started').slice(1));
  expect(said).toHaveLength(1);
});

test('a role that crashes at its start is not started in a tight loop', async () => {
  const logFile = join(folder, 'crash.log');
  const said: string[] = [];
  const start = () =>
    startChild({
      name: 'sink',
      arguments: ['-e', "console.log('crash', process.pid); process.exit(3)"],
      env: process.env,
      logFile,
      say: (line) => said.push(line),
    });
  const kept = keepRunning(start, log);
  await vi.waitUntil(() => said.length >= 2, { timeout: 15_000 });
  expect(said[0]).toMatch(/ended with exit code 3/);
  expect(kept.health().ready).toBe(false);
  await kept.stop();
});

test('a supervisor that is killed leaves no role behind', async () => {
  const logFile = join(folder, 'alone.log');
  const supervisor = join(folder, 'supervisor.ts');
  const child = JSON.stringify(new URL('./child.ts', import.meta.url).href);
  writeFileSync(
    supervisor,
    `const { startChild } = await import(${child});
     await startChild({ name: 'sink', arguments: [${JSON.stringify(script)}], env: process.env, logFile: ${JSON.stringify(logFile)}, say: () => {} });
     setInterval(() => {}, 1000);`,
  );
  const parent = await startChild({
    name: 'supervisor',
    arguments: [supervisor],
    env: process.env,
    logFile: join(folder, 'supervisor.log'),
    say: () => undefined,
  });
  await vi.waitUntil(() => readIfThere(logFile).includes('started'), { timeout: 10_000 });
  process.kill(parent.pid, 'SIGKILL');
  await parent.failed;
  await vi.waitUntil(() => pids(logFile, 'alone').length === 1, { timeout: 10_000 });
});

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
