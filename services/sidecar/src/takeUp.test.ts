import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConfigMaps } from './configMaps.ts';
import { openFolder } from './folder.ts';
import { type Reload, takeUp } from './takeUp.ts';

let path: string;
let logged: { level: number; configMap?: string; msg: string }[];
let log: Logger;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'millrace-sidecar-'));
  logged = [];
  log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

type Cluster = Map<string, { version: string; files: Record<string, string> }>;

function source(cluster: Cluster): ConfigMaps & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    versions: async () => new Map([...cluster].map(([name, { version }]) => [name, version])),
    files: async (name) => {
      asked.push(name);
      return cluster.get(name)?.files ?? null;
    },
  };
}

const content = (): Record<string, string> =>
  Object.fromEntries(readdirSync(path).map((file) => [file, readFileSync(join(path, file), 'utf8')]));
const one = (version: string, text: string): { version: string; files: Record<string, string> } => ({
  version,
  files: { 'rules.json': text },
});

/** Refuses all while any file says `wrong`, as Prometheus does. */
const strict: Reload = async () => {
  const wrong = Object.entries(content()).find(([, text]) => text === 'wrong');
  return wrong ? `${wrong[0]} is wrong` : null;
};

test('what comes, changes and goes in the cluster does so in the folder, and is asked for once', async () => {
  const cluster: Cluster = new Map([
    ['a', one('1', 'a1')],
    ['b', { version: '1', files: { 'x.json': 'x', 'y.json': 'y' } }],
  ]);
  const from = source(cluster);
  const look = takeUp(from, openFolder(path), null, log);
  await look();
  await look();
  expect(content()).toEqual({ 'a__rules.json': 'a1', 'b__x.json': 'x', 'b__y.json': 'y' });
  expect(from.asked).toEqual(['a', 'b']);
  cluster.set('b', { version: '2', files: { 'y.json': 'y2' } });
  cluster.delete('a');
  await look();
  expect(content()).toEqual({ 'b__y.json': 'y2' });
});

test('one wrong file keeps no other from being taken up, and is never left where a new start would read it', async () => {
  const cluster: Cluster = new Map([
    ['a', one('1', 'a1')],
    ['b', one('1', 'wrong')],
    ['c', one('1', 'c1')],
  ]);
  const look = takeUp(source(cluster), openFolder(path), strict, log);
  await look();
  expect(content()).toEqual({ 'a__rules.json': 'a1', 'c__rules.json': 'c1' });
  cluster.set('d', one('1', 'd1'));
  await look();
  expect(content()).toEqual({ 'a__rules.json': 'a1', 'c__rules.json': 'c1', 'd__rules.json': 'd1' });
  expect(logged.filter(({ level }) => level === 50).map(({ configMap }) => configMap)).toEqual(['b']); // said once
  cluster.set('b', one('2', 'b2'));
  await look();
  expect(content()['b__rules.json']).toBe('b2');
});

test('a change for the worse leaves what was good', async () => {
  const cluster: Cluster = new Map([['a', one('1', 'a1')]]);
  const look = takeUp(source(cluster), openFolder(path), strict, log);
  await look();
  cluster.set('a', one('2', 'wrong'));
  await look();
  expect(content()).toEqual({ 'a__rules.json': 'a1' });
});

test('the last question of each look is about what was refused, so that the program goes on saying so', async () => {
  const cluster: Cluster = new Map([['a', one('1', 'wrong')]]);
  const answers: (string | null)[] = [];
  const reload: Reload = async () => {
    const answer = await strict();
    answers.push(answer);
    return answer;
  };
  const look = takeUp(source(cluster), openFolder(path), reload, log);
  await look();
  cluster.set('b', one('1', 'b1'));
  await look();
  expect(answers.at(-1)).toContain('a__rules.json is wrong');
  expect(answers).toContain(null);
});

test('a program that does not answer yet gets everything once it does', async () => {
  let up = false;
  const reload: Reload = async () => {
    if (!up) throw new Error('nobody there');
    return strict();
  };
  const look = takeUp(source(new Map([['a', one('1', 'a1')]])), openFolder(path), reload, log);
  await expect(look()).rejects.toThrow('nobody there');
  expect(content()).toEqual({});
  up = true;
  await look();
  expect(content()).toEqual({ 'a__rules.json': 'a1' });
});

test('what was left by one before, of a ConfigMap that is gone, is removed', async () => {
  openFolder(path).put('old', { 'rules.json': 'old' });
  await takeUp(source(new Map()), openFolder(path), strict, log)();
  expect(content()).toEqual({});
});
