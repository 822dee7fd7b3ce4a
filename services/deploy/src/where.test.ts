import { expect, test } from 'vitest';
import { Refused } from './refused.ts';
import { type Kubeconfig, type Where, whereIs } from './where.ts';

const NOBODY = { context: null, kubelab: null, kubeconfig: null };
const of = (current: string, ...names: string[]): Kubeconfig => ({
  ...(current === '' ? {} : { 'current-context': current }),
  contexts: names.map((name) => ({ name, context: {} })),
});
const profile: Kubeconfig = {
  'current-context': 'dev',
  contexts: [{ name: 'dev', context: { extensions: [{ extension: { provider: 'minikube.sigs.k8s.io' } }] } }],
};

test.each<[string, Partial<Parameters<typeof whereIs>[0]>, Kubeconfig | null, string | null, Where]>([
  ['kind by its context', {}, of('kind-dev', 'kind-dev', 'prod'), null, { kind: 'kind', context: 'kind-dev', cluster: 'dev' }],
  ['minikube by name', {}, of('minikube', 'minikube'), null, { kind: 'minikube', context: 'minikube', profile: 'minikube' }],
  ['minikube by its mark', {}, profile, null, { kind: 'minikube', context: 'dev', profile: 'dev' }],
  ['any other', {}, of('prod', 'prod'), null, { kind: 'other', context: 'prod' }],
  ['a cluster that was chosen before a kubelab', {}, of('prod', 'prod'), '/lab', { kind: 'other', context: 'prod' }],
  [
    'the context that is asked for',
    { context: 'kind-a' },
    of('prod', 'prod', 'kind-a'),
    null,
    { kind: 'kind', context: 'kind-a', cluster: 'a' },
  ],
  ['kubelab where nothing else is', {}, null, '/lab', { kind: 'kubelab', folder: '/lab' }],
  ['kubelab beside a kubeconfig without a choice', {}, of('', 'prod'), '/lab', { kind: 'kubelab', folder: '/lab' }],
  ['the kubelab that is asked for', { kubelab: '/mine' }, of('prod', 'prod'), '/lab', { kind: 'kubelab', folder: '/mine' }],
])('finds %s', (_, asked, kubeconfig, beside, expected) => {
  expect(whereIs({ ...NOBODY, ...asked }, kubeconfig, beside)).toEqual(expected);
});

test.each<[string, Partial<Parameters<typeof whereIs>[0]>, Kubeconfig | null, string | null, RegExp]>([
  ['there is nothing', {}, null, null, /there is no cluster: no kubeconfig/],
  ['nothing is chosen', {}, of('', 'a', 'b'), null, /CONTEXT, one of a, b/],
  ['the given kubeconfig is empty, even beside a kubelab', { kubeconfig: '/k' }, {}, '/lab', /there is no cluster/],
  ['the context is not there', { context: 'x' }, of('a', 'a', 'b'), null, /CONTEXT is "x".*allowed is a, b/],
  ['the current context is not there', {}, of('gone', 'a'), null, /current context .* "gone"/],
])('changes nothing where %s', (_, asked, kubeconfig, beside, message) => {
  expect(() => whereIs({ ...NOBODY, ...asked }, kubeconfig, beside)).toThrow(Refused);
  expect(() => whereIs({ ...NOBODY, ...asked }, kubeconfig, beside)).toThrow(message);
});
