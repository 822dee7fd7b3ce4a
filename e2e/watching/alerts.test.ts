/** Each alert fires when it should, and not when it should not. Needs promtool, of Debian's package `prometheus`. */
import { join, resolve } from 'node:path';
import { ruleFile, ruleGroup } from '@millrace/cdk8s/constructs/rules.ts';
import { pipelineRules } from '@millrace/cdk8s/pipeline/rules.ts';
import { RULES } from '@millrace/cdk8s/platform/rules.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { expect, test } from 'vitest';
import { promtoolTests } from './alertCases.ts';
import { hasPromtool, promtool } from './promtool.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const loaded = await loadPipelines(['traffic', 'environment'].map((name) => join(ROOT, 'examples', name, 'pipeline.yaml')));
const pipelines = loaded.map(({ pipeline }) => pipeline);

test('each alert has a case of both', () => {
  const { tests } = promtoolTests([], pipelines) as { tests: unknown[] };
  expect(tests.length).toBeGreaterThanOrEqual(2 * (RULES.length + pipelines.length * 4));
});

test.skipIf(!hasPromtool)('promtool: each fires when it should, and not when it should not', () => {
  const files: Record<string, string> = { 'rules.json': ruleFile(ruleGroup('millrace', RULES)) };
  for (const pipeline of pipelines)
    files[`${pipeline.metadata.name}.json`] = ruleFile(ruleGroup(namesOf(pipeline).pipeline, pipelineRules(pipeline)));
  const names = Object.keys(files);
  files['tests.json'] = JSON.stringify(promtoolTests(names, pipelines));
  expect(promtool(files, 'check', 'rules', ...names)).toBe('');
  expect(promtool(files, 'test', 'rules', 'tests.json')).toBe('');
});
