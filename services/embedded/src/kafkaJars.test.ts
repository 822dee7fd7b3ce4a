import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureJars, kafkaSources, kafkaVersion, parseChecksums } from './kafkaJars.ts';

const content: Record<string, string> = { 'a-1.jar': 'first', 'b-2.jar': 'second' };
const checksums = Object.entries(content)
  .map(([name, text]) => `${createHash('sha256').update(text).digest('hex')}  ${name}\n`)
  .join('');

let folder: string;
let fetches: number;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jars-test-'));
  fetches = 0;
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const plan = (jars: Record<string, string>) => ({
  folder,
  checksums,
  say: (line: string) => void said.push(line),
  fetch: async (into: string) => {
    fetches += 1;
    await delay(20);
    for (const [name, text] of Object.entries(jars)) writeFileSync(join(into, name), text);
  },
});

test('jars are fetched once, also by several at the same time', async () => {
  const libs = await Promise.all([ensureJars(plan(content)), ensureJars(plan(content)), ensureJars(plan(content))]);
  await ensureJars(plan(content));
  expect(new Set(libs)).toEqual(new Set([join(folder, 'lib')]));
  expect(fetches).toBe(1);
  expect(said.filter((line) => line.startsWith('Fetching'))).toHaveLength(1);
});

test.each([
  ['another content', { ...content, 'b-2.jar': 'tampered' }, 'b-2.jar has sha256'],
  ['a missing jar', { 'a-1.jar': 'first' }, 'b-2.jar is missing'],
  ['a jar that nobody listed', { ...content, 'c-3.jar': 'third' }, 'c-3.jar is not on the list'],
])('%s is refused and never used', async (_, jars, message) => {
  await expect(ensureJars(plan(jars))).rejects.toThrow(message);
  expect(existsSync(join(folder, 'lib'))).toBe(false);
  await expect(ensureJars(plan(content)), 'the next try').resolves.toBe(join(folder, 'lib'));
});

test('a fetch cut off in the middle leaves nothing that a later start would use', async () => {
  const fetch = (into: string) => {
    writeFileSync(join(into, 'a-1.jar'), 'fir');
    return Promise.reject(new Error('no network'));
  };
  await expect(ensureJars({ ...plan(content), fetch })).rejects.toThrow('no network');
  await ensureJars(plan(content));
  expect(readdirSync(join(folder, 'lib')).sort()).toEqual(['a-1.jar', 'b-2.jar', 'checked.sha256']);
});

test('another list of checksums fetches anew', async () => {
  await ensureJars(plan(content));
  const { 'a-1.jar': _, ...rest } = content;
  await ensureJars({ ...plan(rest), checksums: checksums.split('\n')[1] ?? '' });
  expect(fetches).toBe(2);
  expect(existsSync(join(folder, 'lib', 'a-1.jar'))).toBe(false);
});

test('a list that is not one is an error with the line', () => {
  expect(() => parseChecksums('abc  kafka.jar\n')).toThrow('"abc  kafka.jar"');
  expect(() => parseChecksums(`${'0'.repeat(64)}  ../evil.jar\n`)).toThrow('evil.jar');
});

test('the pom, the checksums and the code mean the same version', () => {
  expect(readFileSync(join(kafkaSources, 'pom.xml'), 'utf8')).toContain(
    `<artifactId>kafka_2.13</artifactId>\n      <version>${kafkaVersion}</version>`,
  );
  expect([...parseChecksums(readFileSync(join(kafkaSources, 'jars.sha256'), 'utf8')).keys()]).toContain(
    `kafka_2.13-${kafkaVersion}.jar`,
  );
});
