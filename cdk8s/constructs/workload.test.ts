import { createHash } from 'node:crypto';
import type { Construct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { checksumOf, computeChecksums } from './checksum.ts';
import { labelsOf } from './labels.ts';
import { type Manifest, synthesise } from './manifest.ts';
import { scratchMount, secretMount } from './mounts.ts';
import { httpProbes, portProbes } from './probes.ts';
import { faultsOf, podSpecOf } from './restricted.ts';
import { DeploymentWorkload, JobWorkload, StatefulSetWorkload } from './workload.ts';

const amounts = { cpu: '100m', memory: '64Mi', ephemeralStorage: '16Mi' };
const identity = { name: 'millrace', instance: 'traffic', component: 'sink' };
const common = {
  name: 'traffic-sink',
  identity,
  image: 'docker.io/millrace/millrace:1',
  uid: 10001,
  gid: 10001,
  env: { HERE: 'x', POD: { field: 'metadata.name' }, MIB: { memoryLimitMib: true } },
  ports: { metrics: 8080 },
  mounts: [secretMount('sink', '/etc/sink'), scratchMount('tmp', '/tmp', '16Mi')],
  resources: { requests: amounts, limits: amounts },
  checksum: 'abc',
  graceSeconds: 60,
  ingress: [{ peers: [{ pods: { who: 'prometheus' } }], ports: [8080] }],
  egress: [{ peers: [{ pods: { who: 'kafka' } }], ports: [9092] }],
} as const;
const probes = httpProbes(8080, '/healthz', '/readyz');
const claim = { volume: 'data', size: '1Gi' };

const WORKLOADS: Record<string, (scope: Construct, replicas: number | null) => unknown> = {
  Deployment: (scope, replicas) =>
    new DeploymentWorkload(scope, 'w', { ...common, probes, replicas, strategy: 'RollingUpdate' } as never),
  StatefulSet: (scope, replicas) =>
    new StatefulSetWorkload(scope, 'w', {
      ...common,
      probes: portProbes(9093, { port: 9092 }),
      replicas,
      service: 'nodes',
      claim,
    } as never),
  Job: (scope) => new JobWorkload(scope, 'w', { ...common, backoffLimit: 3, keptSeconds: 60, deadlineSeconds: 600 } as never),
};

const made = (kind: string, replicas: number | null = 1): Manifest[] =>
  synthesise('ns', (chart) => void WORKLOADS[kind]?.(chart, replicas));
const find = (objects: Manifest[], kind: string): Manifest => {
  const found = objects.find((object) => object.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found;
};

describe.each(Object.keys(WORKLOADS))('%s', (kind) => {
  const objects = made(kind);
  const workload = find(objects, kind);

  test('its pod is refused by nobody: restricted, with requests and limits, without a token', () => {
    const pod = podSpecOf(workload);
    expect(pod && faultsOf(pod)).toEqual([]);
  });

  test('names and labels are the ones that were given, nothing of a hash', () => {
    expect(objects.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual([
      [kind, 'traffic-sink', 'ns'],
      ['NetworkPolicy', 'traffic-sink', 'ns'],
    ]);
    for (const { metadata } of objects) expect(metadata.labels).toEqual(labelsOf(identity));
    expect(JSON.stringify(objects)).not.toContain('cdk8s');
  });

  test('the network lets in and out what was named, and DNS', () => {
    expect(find(objects, 'NetworkPolicy').spec).toEqual({
      podSelector: {
        matchLabels: {
          'app.kubernetes.io/name': 'millrace',
          'app.kubernetes.io/instance': 'traffic',
          'app.kubernetes.io/component': 'sink',
        },
      },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ podSelector: { matchLabels: { who: 'prometheus' } } }], ports: [{ port: 8080, protocol: 'TCP' }] }],
      egress: [
        expect.objectContaining({ ports: [expect.objectContaining({ port: 53 }), expect.objectContaining({ port: 53 })] }),
        { to: [{ podSelector: { matchLabels: { who: 'kafka' } } }], ports: [{ port: 9092, protocol: 'TCP' }] },
      ],
    });
  });

  test('is the same every time', () => {
    expect(JSON.stringify(made(kind))).toBe(JSON.stringify(objects));
  });
});

describe.each(['Deployment', 'StatefulSet'])('%s that serves', (kind) => {
  const pod = (replicas: number | null) => find(made(kind, replicas), kind).spec as Record<string, unknown> & { template: never };

  test('selects by labels that never change', () => {
    expect(pod(1).selector).toEqual({
      matchLabels: {
        'app.kubernetes.io/name': 'millrace',
        'app.kubernetes.io/instance': 'traffic',
        'app.kubernetes.io/component': 'sink',
      },
    });
  });

  test('is asked three different things', () => {
    const [container] = (pod(1).template as { spec: { containers: Record<string, unknown>[] } }).spec.containers;
    const questions = ['startupProbe', 'readinessProbe', 'livenessProbe'].map((name) => JSON.stringify(container?.[name]));
    expect(new Set(questions).size).toBe(3);
    expect(questions).not.toContain(undefined);
    const how = kind === 'Deployment' ? 'httpGet' : 'tcpSocket';
    const asked = (name: string) => JSON.stringify((container?.[name] as Record<string, unknown> | undefined)?.[how]);
    expect(asked('readinessProbe')).not.toBe(asked('livenessProbe'));
  });

  test.each([
    [1, false],
    [3, true],
    [null, true],
  ])('with %s replicas: budget and spread %s', (replicas, wanted) => {
    const objects = made(kind, replicas);
    expect(objects.some((object) => object.kind === 'PodDisruptionBudget')).toBe(wanted);
    const spec = find(objects, kind).spec as { replicas?: number; template: { spec: object } };
    expect('topologySpreadConstraints' in spec.template.spec).toBe(wanted);
    expect(spec.replicas ?? null).toBe(replicas);
  });

  test('another configuration makes new pods', () => {
    expect((pod(1).template as { metadata: unknown }).metadata).toMatchObject({
      annotations: { 'millrace.dev/config-checksum': 'abc' },
    });
  });
});

test('a value that only the cluster knows is asked there, and quantities are passed on as they are', () => {
  const [container] = podSpecOf(find(made('Deployment'), 'Deployment'))?.containers ?? [];
  expect(container?.env).toEqual([
    { name: 'HERE', value: 'x' },
    { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'MIB', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
  ]);
  expect(container?.resources?.limits).toEqual({ cpu: '100m', memory: '64Mi', 'ephemeral-storage': '16Mi' });
});

test('a checksum does not depend on the order, and on everything else', () => {
  expect(checksumOf({ a: '1', b: '2' })).toBe(checksumOf({ b: '2', a: '1' }));
  expect(checksumOf({ a: '1', b: '2' })).not.toBe(checksumOf({ a: '12', b: '' }));
});

test('a finished object has its checksums computed, also of contents that hold another', () => {
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const config = checksumOf({ file: 'text' });
  expect(computeChecksums({ name: `setup-${checksumOf({ config, image: 'a:1' }, 8)}`, list: [config, 1, null] })).toEqual({
    name: `setup-${sha(`config\0${sha('file\0text\0').slice(0, 16)}\0image\0a:1\0`).slice(0, 8)}`,
    list: [sha('file\0text\0').slice(0, 16), 1, null],
  });
});

test('a checksum inside of JSON is computed as well', () => {
  const name = checksumOf({ a: '1' });
  const plain = computeChecksums(name);
  expect(computeChecksums(JSON.stringify({ name }))).toBe(JSON.stringify({ name: plain }));
  expect(computeChecksums(JSON.stringify(JSON.stringify([name])))).toBe(JSON.stringify(JSON.stringify([plain])));
});

test('a checksum that was cut does not get into a cluster', () => {
  expect(() => computeChecksums({ name: checksumOf({ a: '1' }).slice(0, 8) })).toThrow(/was cut/);
});

type Pod = NonNullable<ReturnType<typeof podSpecOf>>;

const SPOILED: Record<string, (pod: Pod) => Partial<Pod>> = {
  'may run as root': ({ securityContext }) => ({ securityContext: { ...securityContext, runAsNonRoot: false } }),
  'has a token that it does not need': () => ({ automountServiceAccountToken: true }),
  'has a volume of a kind that is not allowed': () => ({ volumes: [{ name: 'x', hostPath: { path: '/' } }] }),
  'keeps capabilities': ({ containers }) => ({
    containers: containers.map((one) => ({ ...one, securityContext: { ...one.securityContext, capabilities: { drop: [] } } })),
  }),
  'has a secret in a variable': ({ containers }) => ({
    containers: containers.map((one) => ({ ...one, env: [{ name: 'KAFKA_PASSWORD', value: 'x' }] })),
  }),
};

test.each(Object.keys(SPOILED))('the check sees a pod that %s', (fault) => {
  const pod = podSpecOf(find(made('Deployment'), 'Deployment'));
  if (!pod) throw new Error('no pod');
  expect(faultsOf({ ...pod, ...SPOILED[fault]?.(pod) }).join()).toContain(fault);
});
