/** A run that a user ends, or that cannot begin. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { millrace, startMillrace } from './testing.ts';
import { env, file, folder, postgres, withServers } from './testSmall.ts';

withServers();

describe('Ctrl-C', () => {
  test('drains the roles in the order of the flow, and ends with 0', { timeout: 120_000 }, async () => {
    const data = join(folder, 'drain');
    const running = startMillrace(['run', file, '--data', data], env);
    await vi.waitUntil(() => /completed/.test(running.output()), { timeout: 90_000, interval: 100 });
    running.kill('SIGINT');
    const ran = await running.ended;
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const drained = ['producer', 'processor', 'sink'].map((role) => {
      const lines = readFileSync(join(data, 'logs', `${role}.log`), 'utf8')
        .trimEnd()
        .split('\n');
      const { msg, time } = JSON.parse(lines.at(-1) ?? '') as { msg: string; time: string };
      expect(msg).toBe('drained');
      return time;
    });
    expect(drained).toEqual(drained.toSorted());
  });
});

test('a reader that goes away (| head) ends the run as a signal does', { timeout: 120_000 }, async () => {
  const data = join(folder, 'head');
  const running = startMillrace(['run', file, '--data', data], env);
  await vi.waitUntil(() => running.output() !== '', { timeout: 90_000, interval: 20 });
  running.closeOutput();
  const ran = await running.ended;
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect(existsSync(join(data, 'run.json'))).toBe(false);
});

test('a data folder that cannot be used is said in one sentence', async () => {
  const ran = await millrace(['run', file, '--once', '--data', file], env);
  expect([ran.code, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toMatch(/^millrace: the data folder \S+small\.yaml cannot be used: ENOTDIR.* Give another one by --data\n$/);
});

test('a wrong password is said in one sentence', async () => {
  const url = new URL(postgres.url);
  url.password = 'wrong';
  const ran = await millrace(['status', file, '--database', url.href], env);
  expect([ran.code, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toMatch(/password is wrong/);
  expect(ran.stderr).not.toMatch(/\n.* at /);
});
