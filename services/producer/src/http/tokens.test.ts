import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { authorizer } from './tokens.ts';

const [A, B] = ['a'.repeat(32), 'b'.repeat(32)];
let secrets: string;
beforeEach(() => {
  secrets = mkdtempSync(join(tmpdir(), 'millrace-secrets-'));
  mkdirSync(join(secrets, 'phones'));
  writeFileSync(join(secrets, 'phones', 'one'), `${A}\n`);
  writeFileSync(join(secrets, 'phones', 'two'), B);
});
afterEach(() => rmSync(secrets, { recursive: true, force: true }));

const codeOf = (check: () => void): number => {
  try {
    check();
    return 200;
  } catch (error) {
    const { code, message } = error as { code: number; message: string };
    expect(message).not.toContain(A);
    return code;
  }
};

test.each([
  [undefined, 401],
  ['', 401],
  [`Basic ${A}`, 401],
  ['Bearer', 401],
  [`Bearer ${A} ${B}`, 401],
  [`Bearer ${A}`, 200],
  [`bearer ${B}`, 200],
  [`Bearer ${A.slice(1)}`, 403],
  [`Bearer ${A}a`, 403],
  ['Bearer one', 403],
])('with %s the answer is %i', (header, code) => {
  const authorize = authorizer({ secretRef: { name: 'phones' } }, secrets);
  expect(codeOf(() => authorize(header))).toBe(code);
});

test('of a Secret with a key only that one lets in', () => {
  const authorize = authorizer({ secretRef: { name: 'phones', key: 'one' } }, secrets);
  expect(codeOf(() => authorize(`Bearer ${A}`))).toBe(200);
  expect(codeOf(() => authorize(`Bearer ${B}`))).toBe(403);
});

test('the links that Kubernetes keeps beside the keys are no tokens', () => {
  symlinkSync(join(secrets, 'phones'), join(secrets, 'phones', '..data'));
  expect(codeOf(() => authorizer({ secretRef: { name: 'phones' } }, secrets)(`Bearer ${A}`))).toBe(200);
});

test.each<[string, () => unknown, RegExp]>([
  ['nothing says who may send', () => authorizer({}, secrets), /says not who may send/],
  ['no folder is given', () => authorizer({ secretRef: { name: 'phones' } }, null), /by --secrets .*phones\/token/],
  [
    'the Secret is not there',
    () => authorizer({ secretRef: { name: 'other' } }, secrets),
    /folder \S+other of a Secret cannot be read/,
  ],
  ['the key is not there', () => authorizer({ secretRef: { name: 'phones', key: 'no' } }, secrets), /phones\/no cannot be read/],
])('%s: it does not start', (_name, make, message) => {
  expect(make).toThrow(message);
});

test('a token that can be guessed is none', () => {
  writeFileSync(join(secrets, 'phones', 'two'), 'short');
  expect(() => authorizer({ secretRef: { name: 'phones' } }, secrets)).toThrow(/two holds no token; allowed are at least 16/);
});

test('a withdrawn token lets nobody in any more', async () => {
  const authorize = authorizer({ secretRef: { name: 'phones' } }, secrets);
  rmSync(join(secrets, 'phones', 'one'));
  await expect.poll(() => codeOf(() => authorize(`Bearer ${A}`)), { timeout: 20_000 }).toBe(403);
  expect(codeOf(() => authorize(`Bearer ${B}`))).toBe(200);
});
