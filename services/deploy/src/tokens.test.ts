import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { expect, test } from 'vitest';
import { refOf } from './inventory.ts';
import type { Kubectl } from './kubectl.ts';
import { readingOf, TOKEN, type TokenSecret, tokenObject, tokenSecretsOf, tokensFor } from './tokens.ts';

const pipelineOf = (name: string, source: string) =>
  parsePipelines(
    `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec:
  source: ${source}
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: t }
`,
    'p.yaml',
  );

const PHONES: TokenSecret = { name: 'phones', keys: ['token'], pipeline: 'a' };
/** A cluster with these Secrets. */
const withSecrets = (secrets: readonly Manifest[]): Kubectl =>
  ({
    namespace: 'feeds',
    list: async () => secrets,
    words: (...words: string[]) => ['kubectl', '--namespace', 'feeds', ...words],
  }) as unknown as Kubectl;

test('a Secret that two Pipelines name is one, with the keys of both; who lets everybody in has none', () => {
  const pipelines = [
    ...pipelineOf('a', '{ http: { auth: { secretRef: { name: phones, key: one } } } }'),
    ...pipelineOf('b', '{ http: { auth: { secretRef: { name: phones, key: two } } } }'),
    ...pipelineOf('c', '{ http: { auth: { secretRef: { name: others } } } }'),
    ...pipelineOf('d', '{ http: { auth: { open: true } } }'),
    ...pipelineOf('e', '{ simulator: { seed: 1, devices: 1, rate: 1 } }'),
  ];
  expect(tokenSecretsOf(pipelines)).toEqual([
    { name: 'phones', keys: ['one', 'two'], pipeline: 'a' },
    { name: 'others', keys: ['token'], pipeline: 'c' },
  ]);
});

test('a missing token is made, 256 random bits each time', async () => {
  const { missing, ours } = await tokensFor([PHONES], withSecrets([]));
  const [made] = missing;
  expect(made).toMatchObject({ kind: 'Secret', metadata: { name: 'phones', namespace: 'feeds' } });
  const another = tokenObject(PHONES, 'feeds').stringData as { token: string };
  expect(another.token).toMatch(/^[0-9a-f]{64}$/);
  expect(made?.stringData).toEqual({ token: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(made?.stringData).not.toEqual(another);
  expect(ours).toEqual([{ apiVersion: 'v1', kind: 'Secret', name: 'phones', instance: 'a', component: TOKEN }]);
});

test('a token that is there is not made anew; only one that a deploy made goes with a purge', async () => {
  const before = tokenObject(PHONES, 'feeds');
  expect(await tokensFor([PHONES], withSecrets([before]))).toEqual({ missing: [], ours: [refOf(before)] });
  const theirs = { ...before, metadata: { name: 'phones' } };
  expect(await tokensFor([PHONES], withSecrets([theirs]))).toEqual({ missing: [], ours: [] });
});

test('the way to a token is a command, not the token', () => {
  expect(readingOf(withSecrets([]), 'phones')).toBe(
    `kubectl --namespace feeds get secret phones --output=go-template='{{range .data}}{{. | base64decode}}{{"\\n"}}{{end}}'`,
  );
});
