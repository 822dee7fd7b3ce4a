import { expect, test } from 'vitest';
import { optionsFrom } from './options.ts';

test('without variables nothing is assumed', () => {
  expect(optionsFrom({ KUBECONFIG: '', PURGE: '' })).toEqual({
    kubeconfig: null,
    context: null,
    kubelab: null,
    namespace: null,
    values: null,
    pipelines: null,
    devices: null,
    image: null,
    registry: null,
    purge: false,
    role: null,
    pipeline: null,
    follow: true,
  });
});

test('what is given is taken', () => {
  const options = optionsFrom({
    PIPELINES: ' a.yaml  b/c.yaml ',
    REGISTRY: 'd.yaml',
    PURGE: '1',
    FOLLOW: '0',
    IMAGE_REGISTRY: 'localhost:5001/me',
  });
  expect(options).toMatchObject({
    pipelines: ['a.yaml', 'b/c.yaml'],
    devices: ['d.yaml'],
    purge: true,
    follow: false,
    registry: 'localhost:5001/me',
  });
});

test.each([
  [{ PURGE: 'yes' }, /PURGE is "yes"; allowed is 1 or 0/],
  [{ NAMESPACE: 'Feeds' }, /NAMESPACE is "Feeds"/],
  [{ IMAGE: 'x/y:latest' }, /IMAGE is "x\/y:latest".*a tag that stays/],
  [{ IMAGE: 'x/y' }, /IMAGE/],
  [{ IMAGE_REGISTRY: 'https://ghcr.io/me' }, /IMAGE_REGISTRY.*such as/],
  [{ KUBELAB: '/lab', CONTEXT: 'kind-a' }, /two clusters/],
  [{ IMAGE: 'a:1', IMAGE_REGISTRY: 'b' }, /give one of them/],
])('%j is refused, and nothing changed', (env, message) => {
  expect(() => optionsFrom(env)).toThrow(message);
  expect(() => optionsFrom(env)).toThrow(/Nothing was changed/);
});

test('all that is wrong is told at once', () => {
  expect(() => optionsFrom({ PURGE: 'x', NAMESPACE: '-' })).toThrow(/NAMESPACE(.|\n)*PURGE/);
});
