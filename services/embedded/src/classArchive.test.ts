import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findArchive, keepArchive } from './classArchive.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function keep(parts: string[]): string | undefined {
  writeFileSync(join(folder, 'fresh'), 'classes');
  keepArchive(folder, parts, join(folder, 'fresh'));
  return findArchive(folder, parts);
}

test('an archive is found for the Java and the jars that it was made with, and for no others', () => {
  expect(keep(['17', 'lib'])).toMatch(/classes-[0-9a-f]{12}\.7\.jsa$/);
  expect(findArchive(folder, ['21', 'lib'])).toBeUndefined();
});

test('an archive that was cut short, which would kill the JVM, is not used and is replaced', () => {
  const archive = keep(['17']);
  truncateSync(String(archive), 3);
  expect(findArchive(folder, ['17'])).toBeUndefined();
  expect(keep(['17'])).toBe(archive);
  expect(readdirSync(folder)).toHaveLength(1);
});

test('where none can be made, later starts do not try again', () => {
  keepArchive(folder, ['17'], undefined);
  expect(findArchive(folder, ['17'])).toMatch(/\.0\.jsa$/);
});
