import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipelineObjects } from '@millrace/cdk8s/pipeline/pipeline.ts';
import { parseValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { clusterObjects, platformObjects } from '@millrace/cdk8s/platform/platform.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { millrace, SCRIPT } from '../testing.ts';

const VALUES = 'kafka: { nodes: 3 }\nnamespace: plant\n';
const PIPELINE = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: oven }
spec:
  source: { SOURCE }
  record: { key: id, time: { field: at }, fields: { id: { type: text } } }
  table: { name: oven }
`;

let folder: string;
const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-render-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('prints the very objects that are applied, as documents of JSON, which is YAML', async () => {
  const values = write('values.yaml', VALUES);
  const pipeline = write('oven.yaml', PIPELINE.replace('SOURCE', 'simulator: { seed: 1, devices: 1, rate: 1 }'));
  const typed = parseValues(VALUES, 'values.yaml');
  const [loaded] = await loadPipelines(pipeline);
  if (!loaded) throw new Error('no Pipeline');
  const [platform, feed] = await Promise.all([
    millrace(['render', '--platform', '--values', values]),
    millrace(['render', pipeline, '--values', values]),
  ]);
  const objectsIn = (text: string): unknown[] =>
    text
      .split(/^---$/m)
      .slice(1)
      .map((document) => JSON.parse(document));
  expect(objectsIn(platform.stdout)).toEqual([...clusterObjects(typed), ...platformObjects(typed)]);
  expect(objectsIn(feed.stdout)).toEqual(pipelineObjects(loaded.pipeline, typed));
});

test('what is printed comes whole, however slowly somebody reads it', async () => {
  const feed = PIPELINE.replace('SOURCE', 'simulator: { seed: 1, devices: 1, rate: 1 }');
  const many = Array.from({ length: 12 }, (_, nth) => feed.replaceAll('oven }', `oven${nth} }`)).join('---');
  const words = [SCRIPT, 'render', write('many.yaml', many)];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let text = '';
  for await (const part of child.stdout.setEncoding('utf8')) {
    text += part;
    await sleep(20); // the command has long ended, if it does not wait
  }
  expect(await closed).toEqual([0, null]);
  expect(text.length).toBeGreaterThan(250_000); // more than a pipe or a pair of sockets takes
  expect(text.match(/"name": "oven\d+-sink"/g)?.length).toBeGreaterThanOrEqual(12);
  expect(text.endsWith('}\n')).toBe(true);
});

test.each<[string, () => string[], RegExp]>([
  ['no file', () => [], /^millrace: give Pipeline files, or --platform$/m],
  ['files and --platform', () => ['--platform', write('a.yaml', PIPELINE)], /--platform takes no Pipeline files/],
  ['values that are not there', () => ['--platform', '--values', join(folder, 'none.yaml')], /--values .*none.yaml: ENOENT/],
  [
    'a wrong value',
    () => ['--platform', '--values', write('wrong.yaml', 'kafka: { nodez: 3 }\n')],
    /wrong.yaml:1:10 kafka.nodez: unknown field "nodez"; did you mean "nodes"\?/,
  ],
  [
    'a file that no pod would find',
    () => [write('file.yaml', PIPELINE.replace('SOURCE', 'replay: { path: oven.csv }'))],
    /^millrace: oven: spec.source.replay.path is "oven.csv".*millrace.dev\/data-configmap/m,
  ],
])('%s: one sentence, exit code 2, nothing printed', async (_, words, message) => {
  const { code, stdout, stderr } = await millrace(['render', ...words()]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});
