import { parsePipelines } from '@millrace/core/spec/load.ts';
import { expect, test } from 'vitest';
import type { Manifest } from '../constructs/manifest.ts';
import { faultsOf, podSpecOf } from '../constructs/restricted.ts';
import { parseValues } from '../platform/loadValues.ts';
import { pipelineObjects } from './pipeline.ts';

function objectsOf(source: string, values = '', scale = '{}'): Manifest[] {
  const [loaded] = parsePipelines(
    `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: phones }
spec:
  source: ${source}
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: t }
  scale: ${scale}
`,
    'pipeline.yaml',
  );
  if (!loaded) throw new Error('no Pipeline');
  return pipelineObjects(loaded.pipeline, parseValues(values, 'values.yaml'));
}
const named = (objects: readonly Manifest[], kind: string, name: string): Manifest | undefined =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);
function specOf<T>(object: Manifest | undefined): T {
  if (!object) throw new Error('no such object');
  return object.spec as T;
}

const WITH_TOKEN = '{ http: { path: /push, auth: { secretRef: { name: my.tokens, key: phone } } } }';
const objects = objectsOf(WITH_TOKEN);
const producer = named(objects, 'Deployment', 'phones-producer');
const pod = producer && podSpecOf(producer);

test('the producer listens where the Service looks for it, and goes before nobody stands in', () => {
  const [container] = pod?.containers ?? [];
  expect(container).toMatchObject({
    args: expect.arrayContaining(['--http-host', '0.0.0.0', '--http-port', '8090', '--secrets', '/etc/millrace/secrets']),
    ports: expect.arrayContaining([expect.objectContaining({ name: 'http', containerPort: 8090 })]),
    lifecycle: { preStop: { exec: { command: expect.arrayContaining(['node']) } } },
  });
  expect(producer?.spec).toMatchObject({ replicas: 1, strategy: { type: 'RollingUpdate' } });
  const { labels } = specOf<{ template: Manifest }>(producer).template.metadata;
  expect(labels).toMatchObject(specOf<{ selector: object }>(named(objects, 'Service', 'phones-http')).selector);
  expect(named(objects, 'Service', 'phones-http')?.spec).toMatchObject({
    ports: [{ name: 'http', port: 8090, targetPort: 8090 }],
  });
  expect(pod && faultsOf(pod)).toEqual([]);
});

test('a token is a file of the Secret that the Pipeline names, and no other of its keys is shown', () => {
  expect(pod?.volumes).toContainEqual({
    name: 'http-tokens',
    secret: { secretName: 'my.tokens', defaultMode: 0o440, items: [{ key: 'phone', path: 'phone' }] },
  });
  const [container] = (pod?.containers ?? []) as { volumeMounts?: object[] }[];
  expect(container?.volumeMounts).toContainEqual({
    name: 'http-tokens',
    mountPath: '/etc/millrace/secrets/my.tokens',
    readOnly: true,
  });
});

test('the network lets devices in to that port of the producer, and nowhere else', () => {
  const open = objects.filter(
    ({ kind, spec }) =>
      kind === 'NetworkPolicy' && ((spec as { ingress?: { from?: unknown }[] }).ingress ?? []).some(({ from }) => !from),
  );
  expect(open.map(({ metadata }) => metadata.name)).toEqual(['phones-producer']);
  expect(specOf<{ ingress: unknown[] }>(open[0]).ingress).toContainEqual({ ports: [{ port: 8090, protocol: 'TCP' }] });
  expect(JSON.stringify(objectsOf('{ simulator: { seed: 1, devices: 1, rate: 1 } }'))).not.toContain('8090');
});

test.each([
  ['', undefined],
  ['ingress: { host: feeds.example.org }', { rules: [{ host: 'feeds.example.org' }] }],
  [
    'ingress: { host: feeds.example.org, class: nginx, tls: feeds-tls }',
    { ingressClassName: 'nginx', tls: [{ hosts: ['feeds.example.org'], secretName: 'feeds-tls' }] },
  ],
])('%j: the Ingress', (values, wanted) => {
  const ingress = named(objectsOf(WITH_TOKEN, values), 'Ingress', 'phones-http');
  if (wanted === undefined) return expect(ingress).toBeUndefined();
  expect(ingress?.spec).toMatchObject(wanted);
  const [rule] = specOf<{ rules: { http: { paths: { path: string; pathType: string }[] } }[] }>(ingress).rules;
  expect(rule?.http.paths.map(({ path, pathType }) => `${pathType} ${path}`)).toEqual(['Exact /pipelines/phones', 'Exact /push']);
});

test('an open source wants no Secret', () => {
  const found = named(objectsOf('{ http: { auth: { open: true } } }'), 'Deployment', 'phones-producer');
  expect(JSON.stringify(found)).not.toContain('--secrets');
});

test('several producers stand in for each other behind one Service, and are not taken away together', () => {
  const several = objectsOf(WITH_TOKEN, '', '{ producers: 3 }');
  const found = named(several, 'Deployment', 'phones-producer');
  expect(found?.spec).toMatchObject({ replicas: 3, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } } });
  expect(found && podSpecOf(found)).toHaveProperty('topologySpreadConstraints');
  expect(named(several, 'PodDisruptionBudget', 'phones-producer')?.spec).toMatchObject({ maxUnavailable: 1 });
  expect(named(objects, 'PodDisruptionBudget', 'phones-producer')).toBeUndefined();
  expect(named(several, 'Service', 'phones-http')).toEqual(named(objects, 'Service', 'phones-http'));
});
