import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type LoadedPipeline, parsePipelines } from '@millrace/core/spec/load.ts';
import { afterAll, expect, test } from 'vitest';
import { dataConfigMap } from './data.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

function pipeline(path: string, annotation = 'millrace.dev/data-configmap: files'): LoadedPipeline {
  const text = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: rooms, annotations: { ${annotation} } }
spec:
  source: { replay: { path: "${path}" } }
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: rooms }
`;
  const [loaded] = parsePipelines(text, join(folder, 'rooms.yaml'));
  if (!loaded) throw new Error('no Pipeline');
  return loaded;
}

test('files beside a Pipeline come along as they are, byte by byte', () => {
  const packed = gzipSync('a\n1\n');
  writeFileSync(join(folder, 'one.csv'), 'a,t\né,1\n');
  writeFileSync(join(folder, 'two.csv.gz'), packed);
  expect(dataConfigMap(pipeline('one.csv'), 'feeds')).toMatchObject({
    metadata: { name: 'files', namespace: 'feeds', labels: { 'app.kubernetes.io/part-of': 'millrace' } },
    data: { 'one.csv': 'a,t\né,1\n' },
  });
  const zipped = dataConfigMap(pipeline('two.csv.gz'), 'feeds');
  expect(zipped).not.toHaveProperty('data');
  expect(zipped?.binaryData).toEqual({ 'two.csv.gz': packed.toString('base64') });
  const all = dataConfigMap(pipeline('*.csv'), 'feeds');
  expect(Object.keys(all?.data ?? {})).toEqual(['one.csv']);
});

test.each([
  ['that are elsewhere', 'missing.csv', undefined],
  ['on the web', 'https://example.org/a.csv', undefined],
  ['on a volume', 'one.csv', 'millrace.dev/data-claim: disk'],
])('files %s are left to whoever has them', (_, path, annotation) => {
  expect(dataConfigMap(pipeline(path, annotation), 'feeds')).toBeNull();
});

test('what a ConfigMap cannot hold is refused with its size, and the way out', () => {
  writeFileSync(join(folder, 'large.csv'), 'x'.repeat(1_200_000));
  expect(() => dataConfigMap(pipeline('large.csv'), 'feeds')).toThrow(
    /rooms.yaml: .* 1.1 MiB; a ConfigMap holds 1 MiB.*data-claim/,
  );
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub', 'a.csv'), 'a\n');
  expect(() => dataConfigMap(pipeline('sub/a.csv'), 'feeds')).toThrow(/finds sub\/a.csv.*without folders/);
});
