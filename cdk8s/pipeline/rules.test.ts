import { existsSync } from 'node:fs';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { expect, test } from 'vitest';
import { defaultValues, parseValues } from '../platform/loadValues.ts';
import { pipelineObjects } from './pipeline.ts';
import { pipelineRules } from './rules.ts';

function pipelineOf(alerts: string): Pipeline {
  const [loaded] = parsePipelines(
    `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: traffic, namespace: feeds }
spec:
  source: { simulator: { seed: 1, devices: 1, rate: 1 } }
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: t }
  alerts: ${alerts}
`,
    'pipeline.yaml',
  );
  if (!loaded) throw new Error('no Pipeline');
  return loaded.pipeline;
}

const limitOf = (alert: string, alerts: string): string => {
  const rule = pipelineRules(pipelineOf(alerts)).find((one) => one.alert === alert);
  return `${rule?.expr.split(' ').at(-1)} for ${rule?.for}`;
};

test.each([
  ['MillraceLag', '{}', '200 for 2m'],
  ['MillraceLagCritical', '{}', '300 for 2m'],
  ['MillraceLag', '{ lagSeconds: { warn: 20, for: 30s } }', '20 for 30s'],
  ['MillraceLagCritical', '{ lagSeconds: { warn: 20, for: 30s } }', '300 for 30s'],
  ['MillraceRejected', '{}', '0.01 for 1m'],
  ['MillraceRejected', '{ rejectedRatio: 0 }', '0 for 1m'],
  ['MillraceSilent', '{}', '1 for 540s'],
  ['MillraceSilent', '{ silentFor: 30s }', '1 for 0s'],
  ['MillraceSilent', '{ silentFor: 1d }', '1 for 86340s'],
])('%s with %s: %s', (alert, alerts, wanted) => {
  expect(limitOf(alert, alerts)).toBe(wanted);
});

test('a warning beyond the critical one that holds by default is refused, by what the author wrote', () => {
  expect(() => pipelineOf('{ lagSeconds: { warn: 400 } }')).toThrow(/warn is not below critical 300/);
  expect(() => pipelineOf('{ lagSeconds: { critical: 100 } }')).toThrow(/critical is not above warn 200/);
});

test('each has a page that tells what to do', () => {
  for (const { runbook } of pipelineRules(pipelineOf('{}')))
    expect(existsSync(new URL(`../../docs/runbooks/${runbook}.md`, import.meta.url))).toBe(true);
});

test('where they go: the ConfigMap that our Prometheus takes up, a PrometheusRule, or nowhere', () => {
  const made = (values: string) =>
    pipelineObjects(pipelineOf('{}'), parseValues(values, 'values.yaml'))
      .filter(({ metadata }) => metadata.name === 'traffic-rules')
      .map(({ kind, metadata }) => [kind, metadata.labels?.['millrace.dev/rules'], metadata.labels?.release]);
  expect(made('')).toEqual([['ConfigMap', 'true', undefined]]);
  expect(made('prometheus: { operator: { release: stack } }')).toEqual([['PrometheusRule', undefined, 'stack']]);
  expect(made('prometheus: { enabled: false }')).toEqual([]);
});

test('two Pipelines have groups of different names, since a Prometheus knows each name once per file only', () => {
  const text = JSON.stringify(
    pipelineObjects(pipelineOf('{}'), defaultValues()).find(({ metadata }) => metadata.name === 'traffic-rules'),
  );
  expect(text).toContain('feeds/traffic');
});
