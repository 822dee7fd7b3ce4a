/** docs/runbooks/dead-letters.md does what it says: its files, its commands in their order, its output. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { millrace, type Running, startMillrace } from '../testing.ts';
import { startServers, type TestServers } from './testFeed.ts';

const RUNBOOK = readFileSync(new URL('../../../../docs/runbooks/dead-letters.md', import.meta.url), 'utf8');

let servers: TestServers;
let folder: string;
let running: Running | undefined;

beforeAll(async () => {
  servers = await startServers();
  folder = mkdtempSync(join(tmpdir(), 'millrace-runbook-'));
}, 120_000);

afterAll(async () => {
  running?.kill('SIGINT');
  await running?.ended;
  await servers?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const blocks = (language: string): string[] =>
  [...RUNBOOK.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((block) => String(block[1]));

/** Times and topic ids are other ones each time. */
const steady = (text: string): string =>
  text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-02T03:04:05.678Z').replace(/[A-Za-z0-9_-]{22}(?=:\d)/g, 'x'.repeat(22));

const rowsStored = async (): Promise<number[]> =>
  (await servers.database.query('SELECT temperature FROM "default".oven ORDER BY time, oven')).rows.map((row) => row.temperature);

test('look, correct, dry run, redrive', { timeout: 600_000 }, async () => {
  const file = join(folder, 'oven.yaml');
  writeFileSync(file, String(blocks('yaml')[0]));
  writeFileSync(join(folder, 'oven.csv'), String(blocks('csv')[0]));
  const run = (words: string) => millrace(words.split(' '), servers.env, folder);
  expect((await run('run oven.yaml --once')).stdout).toContain('5 read = 2 stored + 3 refused + 0 dropped\n');
  const consoles = blocks('console');
  expect(consoles).toHaveLength(8);
  for (const block of consoles) {
    const [, words, output] = /^\$ scripts\/run millrace (.*)\n([\s\S]*)$/.exec(block) ?? [];
    if (words === 'validate oven.yaml') writeFileSync(file, readFileSync(file, 'utf8').replace('max: 60', 'max: 300'));
    if (words?.endsWith('--yes')) running = startMillrace(['run', 'oven.yaml'], servers.env, folder);
    const ran = await run(String(words));
    expect([ran.code, ran.stderr], words).toEqual([0, '']);
    const expected = steady(String(output));
    expect(steady(ran.stdout).slice(0, expected.length), words).toBe(expected);
    if (words?.endsWith('--yes')) await expect.poll(rowsStored, { timeout: 60_000, interval: 200 }).toEqual([21, 20, 180, 185]);
  }
});
