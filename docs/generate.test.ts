import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { expect, test } from 'vitest';
import { CHART, generate, REFERENCE } from './generate.ts';

test('the committed reference and the chart are what the code says (else: npm run docs)', async () => {
  for (const [path, text] of await generate()) expect(await readFile(path, 'utf8'), path).toBe(text);
});

test('the chart has no file that nobody makes any more', async () => {
  const made = await generate();
  const there = await readdir(CHART, { recursive: true, withFileTypes: true });
  const files = there.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  expect(files.filter((file) => !made.has(file))).toEqual([]);
});

test('every example of the reference loads, without a warning that a reader would trip over', async () => {
  const pages = (await readdir(REFERENCE)).filter((name) => name.endsWith('.md'));
  const examples = await Promise.all(
    pages.map(async (name) => [...(await readFile(join(REFERENCE, name), 'utf8')).matchAll(/```yaml\n([\s\S]*?)```/g)]),
  );
  expect(examples.flat().length).toBeGreaterThan(2);
  for (const [, yaml = ''] of examples.flat()) {
    const [loaded] = parsePipelines(yaml, 'docs/reference');
    expect(loaded?.warnings.filter((warning) => !warning.includes('outside a cluster'))).toEqual([]);
  }
});
