import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPassword, readPem } from './secretFile.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-secret-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileWith = (text: string): string => {
  const file = join(folder, 'secret');
  writeFileSync(file, text);
  return file;
};

test.each([
  ['geheim', 'geheim'],
  ['geheim\n', 'geheim'],
  ['geheim\r\n', 'geheim'],
  ['geheim\n\n', 'geheim\n'],
  [' with blanks ', ' with blanks '],
  ['schlüssel', 'schlüssel'],
])('%j is the password %j', (text, password) => {
  expect(readPassword(fileWith(text))).toBe(password);
});

test('what cannot be used names the file and what is needed, and nothing of its content', () => {
  expect(() => readPassword(fileWith('\n'))).toThrow(/^the file \S+secret is empty; needed is a password in it$/);
  expect(() => readPassword(folder)).toThrow(/cannot be read: EISDIR.*; needed is one with a password$/);
  expect(() => readPem(join(folder, 'nowhere'))).toThrow(
    /nowhere cannot be read: no such file; needed is one with a certificate or key$/,
  );
  expect(() => readPem(fileWith('geheim'))).toThrow(/^((?!geheim).)*secret holds no PEM((?!geheim).)*$/);
});

test('what a mounted Secret is changed to is what is read next: its folder is replaced behind a link', () => {
  for (const [name, text] of Object.entries({ old: 'before', new: 'after' })) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'password'), text);
  }
  const data = join(folder, '..data');
  symlinkSync('old', data);
  const file = join(data, 'password');
  expect(readPassword(file)).toBe('before');
  unlinkSync(data);
  symlinkSync('new', data);
  expect(readPassword(file)).toBe('after');
});
