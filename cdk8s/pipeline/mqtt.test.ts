import { parsePipelines } from '@millrace/core/spec/load.ts';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../constructs/manifest.ts';
import { faultsOf, podSpecOf } from '../constructs/restricted.ts';
import { parseValues } from '../platform/loadValues.ts';
import { pipelineObjects } from './pipeline.ts';

function objectsOf(mqtt: string, values = '', scale = '{}'): Manifest[] {
  const [loaded] = parsePipelines(
    `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: doors }
spec:
  source: { mqtt: ${mqtt} }
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: t }
  scale: ${scale}
`,
    'pipeline.yaml',
  );
  if (!loaded) throw new Error('no Pipeline');
  return pipelineObjects(loaded.pipeline, parseValues(values, 'values.yaml'));
}

function producerOf(objects: readonly Manifest[], kind = 'Deployment') {
  const deployment = objects.find((object) => object.kind === kind && object.metadata.name === 'doors-producer');
  const pod = deployment && podSpecOf(deployment);
  if (!deployment || !pod) throw new Error('no producer');
  const { labels } = (deployment.spec as { template: Manifest }).template.metadata;
  const [container] = pod.containers as { args?: string[]; env?: object[]; volumeMounts?: object[] }[];
  const { args = [], env = [], volumeMounts: mounts = [] } = container ?? {};
  return { deployment, pod, labels, args, env, mounts };
}

function egressOf(objects: readonly Manifest[]): { to?: object[]; ports?: { port: number }[] }[] {
  const policy = objects.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'doors-producer');
  if (!policy) throw new Error('no policy');
  return (policy.spec as { egress?: { to?: object[]; ports?: { port: number }[] }[] }).egress ?? [];
}

const OWN = '{ url: "mqtts://mqtt.feeds.svc:8884", topics: [tele/#], tls: { secretRef: { name: millrace-mqtt-producer } } }';

describe('with the broker of the platform', () => {
  const objects = objectsOf(OWN, 'mqtt: { enabled: true }');
  const { pod, labels, args, mounts, deployment } = producerOf(objects);

  test('it has its certificate as files, and of the Secret those keys alone', () => {
    expect(args).toEqual(expect.arrayContaining(['--secrets', '/etc/millrace/secrets']));
    expect(mounts).toContainEqual({
      name: 'mqtt-secret-0',
      mountPath: '/etc/millrace/secrets/millrace-mqtt-producer',
      readOnly: true,
    });
    const items = (...keys: string[]) => keys.map((key) => ({ key, path: key }));
    const name = 'millrace-mqtt-producer';
    expect(pod.volumes).toContainEqual({
      name: 'mqtt-secret-0',
      projected: {
        defaultMode: 0o440,
        sources: [
          { secret: { name, items: items('ca.crt') } },
          { secret: { name, items: items('tls.crt', 'tls.key'), optional: true } },
        ],
      },
    });
    expect(faultsOf(pod)).toEqual([]);
  });

  test('the network lets it to that broker and to no other, and never two of them at a time', () => {
    expect(labels).toMatchObject({ 'millrace.dev/mqtt-client': 'true' });
    const [flow] = egressOf(objects).filter(({ ports }) => ports?.some(({ port }) => port === 8884));
    expect(flow?.to).toEqual([
      { podSelector: { matchLabels: expect.objectContaining({ 'app.kubernetes.io/name': 'mosquitto' }) } },
    ]);
    expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  });
});

describe('without a url', () => {
  test('it is the platform’s broker: the same objects as with its address and its Secret', () => {
    expect(objectsOf('{ topics: [tele/#] }', 'mqtt: { enabled: true }')).toEqual(objectsOf(OWN, 'mqtt: { enabled: true }'));
  });

  test('it is the broker of somebody else where the platform uses that', () => {
    const values = 'mqtt: { enabled: true, external: { url: "mqtts://broker.example.org:8885" } }';
    const objects = objectsOf('{ topics: [tele/#] }', values);
    const file = objects.find(({ kind }) => kind === 'ConfigMap')?.data as Record<string, string> | undefined;
    expect(JSON.parse(file?.['pipeline.yaml'] ?? '').spec.source.mqtt).toEqual({
      url: 'mqtts://broker.example.org:8885',
      topics: ['tele/#'],
      tls: { secretRef: { name: 'millrace-mqtt-producer' } },
    });
    const { labels, pod } = producerOf(objects);
    expect(labels).not.toHaveProperty('millrace.dev/mqtt-client');
    expect(JSON.stringify(pod.volumes)).toContain('millrace-mqtt-producer');
    expect(egressOf(objects).some(({ to, ports }) => !to && ports?.some(({ port }) => port === 8885))).toBe(true);
  });

  test('it is refused where the platform has none, with the value that gives it one', () => {
    expect(() => objectsOf('{ topics: [tele/#] }')).toThrow(/doors: spec\.source\.mqtt\.url .*mqtt\.enabled is false.*mqtts:/);
  });
});

test('another broker is reached anywhere, at its port', () => {
  const objects = objectsOf(
    '{ url: "mqtt://broker.example.org", topics: [a], shared: doors, auth: { secretRef: { name: login } } }',
  );
  const { labels, pod } = producerOf(objects, 'StatefulSet');
  expect(egressOf(objects).some(({ to, ports }) => !to && ports?.some(({ port }) => port === 1883))).toBe(true);
  expect(labels).not.toHaveProperty('millrace.dev/mqtt-client');
  expect(JSON.stringify(pod.volumes)).toContain('"username"');
});

test.each(['mqtt://127.0.0.1:1883', 'mqtt://localhost', 'mqtt://[::1]'])('%s is refused: no pod has a broker', (url) => {
  expect(() => objectsOf(`{ url: "${url}", topics: [a] }`)).toThrow(/doors: spec\.source\.mqtt\.url is .*no broker of its own/);
});

describe('a shared subscription', () => {
  const SHARED = '{ topics: [tele/#], shared: doors }';
  const of = (producers: number): Manifest[] => objectsOf(SHARED, 'mqtt: { enabled: true }', `{ producers: ${producers} }`);
  const named = (objects: readonly Manifest[], kind: string): Manifest | undefined =>
    objects.find((object) => object.kind === kind && object.metadata.name === 'doors-producer');

  test.each([1, 3])('has %i producers, each under a name that stays, with which its session is found again', (producers) => {
    const objects = of(producers);
    const { deployment, pod, env, labels } = producerOf(objects, 'StatefulSet');
    expect(named(objects, 'Deployment'), 'a second one beside it would throw it out of its session').toBeUndefined();
    expect(deployment.spec).toMatchObject({
      replicas: producers,
      podManagementPolicy: 'Parallel',
      serviceName: 'doors-producer',
    });
    expect(deployment.spec).not.toHaveProperty('volumeClaimTemplates');
    expect(env).toContainEqual({ name: 'MILLRACE_POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } });
    expect(faultsOf(pod)).toEqual([]);
    const { clusterIP, selector } = (named(objects, 'Service')?.spec ?? {}) as { clusterIP?: string; selector?: object };
    expect(clusterIP).toBe('None');
    expect(labels).toMatchObject(selector ?? { none: true });
    expect(labels).toMatchObject({ 'millrace.dev/mqtt-client': 'true' });
  });

  test('pods of several are not taken away together, nor put on one node', () => {
    for (const [producers, wanted] of [
      [1, false],
      [2, true],
    ] as const) {
      const objects = of(producers);
      expect(named(objects, 'PodDisruptionBudget') !== undefined).toBe(wanted);
      expect('topologySpreadConstraints' in producerOf(objects, 'StatefulSet').pod).toBe(wanted);
    }
  });
});
