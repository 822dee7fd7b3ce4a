/** What is guessed of files as people have them, without servers; `commands/init.test.ts` stores their rows. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sample } from '../records/sample.ts';
import { AWKWARD } from './awkward.ts';
import { pipelineFor } from './init.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-awkward-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each(AWKWARD)('$file: $what', async ({ file, content, zone, rows, refused = 0, says }) => {
  const path = join(folder, file);
  writeFileSync(path, content);
  const text = await pipelineFor(path, { zone: zone ?? null, path: file });
  for (const pattern of says) expect(text).toMatch(pattern);
  const [loaded] = parsePipelines(text, join(folder, 'p.yaml'));
  if (!loaded) throw new Error(text);
  const names = columnsOf(loaded.pipeline).map(({ name }) => name);
  for (const column of Object.keys(rows[0] ?? {})) expect(names).toContain(column);
  const kinds: string[] = [];
  for await (const { outcome } of sample(loaded, path, new AbortController().signal)) {
    kinds.push(outcome.kind);
  }
  expect(kinds).toEqual([...rows.map(() => 'row'), ...Array.from({ length: refused }, () => 'refused')]);
});
