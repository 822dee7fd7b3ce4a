import { parsePipelines } from '@millrace/core/spec/load.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../constructs/manifest.ts';
import { faultsOf, podSpecOf } from '../constructs/restricted.ts';
import { defaultValues, parseValues } from '../platform/loadValues.ts';
import { pipelineObjects } from './pipeline.ts';

const pipelineOf = (metadata: string, source: string, more = ''): Pipeline => {
  const [loaded] = parsePipelines(
    `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: traffic, ${metadata} }
spec:
  source: ${source}
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: t }
  ${more}
`,
    'pipeline.yaml',
  );
  if (!loaded) throw new Error('no Pipeline');
  return loaded.pipeline;
};

const SIMULATOR = '{ simulator: { seed: 1, devices: 1, rate: 1 } }';
const REPLAY = '{ replay: { path: counts.csv } }';
const FROM_CONFIG_MAP = 'annotations: { millrace.dev/data-configmap: counts }';
const values = defaultValues();
const objects = pipelineObjects(pipelineOf(FROM_CONFIG_MAP, REPLAY), values);
const named = (kind: string, name: string, among: readonly Manifest[] = objects): Manifest => {
  const found = among.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
};

test('every pod is restricted, with requests and limits, and has its NetworkPolicy', () => {
  const pods = objects.filter((object) => podSpecOf(object));
  expect(pods.map(({ kind }) => kind)).toEqual(['Job', 'Deployment', 'Deployment', 'Deployment']);
  for (const object of pods) {
    expect(faultsOf(podSpecOf(object) ?? { containers: [] })).toEqual([]);
    named('NetworkPolicy', object.metadata.name);
  }
});

test('is the same every time', () => {
  expect(JSON.stringify(pipelineObjects(pipelineOf(FROM_CONFIG_MAP, REPLAY), values))).toBe(JSON.stringify(objects));
});

test('the namespace is written into the Pipeline: names of topics and tables do not depend on where it is applied', () => {
  const { data } = named('ConfigMap', 'traffic-pipeline') as Manifest & { data: Record<string, string> };
  const [loaded] = parsePipelines(data['pipeline.yaml'] ?? '', 'pipeline.yaml');
  expect(loaded?.pipeline.metadata.namespace).toBe('feeds');
});

describe.each([
  [
    'producer',
    [
      'run',
      '--role',
      'producer',
      '--host',
      '0.0.0.0',
      '--port',
      '8080',
      '--input',
      '/data',
      '/etc/millrace/pipeline/pipeline.yaml',
    ],
    ['millrace-kafka-producer'],
  ],
  [
    'processor',
    ['run', '--role', 'processor', '--host', '0.0.0.0', '--port', '8080', '/etc/millrace/pipeline/pipeline.yaml'],
    ['millrace-kafka-processor'],
  ],
  [
    'sink',
    ['run', '--role', 'sink', '--host', '0.0.0.0', '--port', '8080', '/etc/millrace/pipeline/pipeline.yaml'],
    ['millrace-kafka-sink', 'millrace-database-writer'],
  ],
])('%s', (name, args, secrets) => {
  const deployment = named('Deployment', `traffic-${name}`);
  const pod = podSpecOf(deployment);

  test('runs its role, with its own users only', () => {
    const [container] = pod?.containers ?? [];
    expect(container).toMatchObject({ args });
    const mounted = (pod?.volumes ?? []).flatMap(
      ({ secret }) => (secret as { secretName: string } | undefined)?.secretName ?? [],
    );
    expect(mounted).toEqual(secrets);
    const passwords = container?.env?.filter(({ name: variable }) => variable.includes('PASSWORD')).map(({ value }) => value);
    expect(passwords?.every((file) => file?.startsWith('/etc/millrace/'))).toBe(true);
  });

  test('is found by Prometheus and let in by what it talks to', () => {
    const { labels } = (deployment.spec as { template: Manifest }).template.metadata;
    expect(labels).toMatchObject({ 'millrace.dev/metrics': 'true', 'millrace.dev/kafka-client': 'true' });
    expect(labels?.['millrace.dev/database-client']).toBe(name === 'sink' ? 'true' : undefined);
  });
});

test('a processor of frames reads the device registry, as a role that may do nothing else', () => {
  const frames = { ...pipelineOf('', SIMULATOR) };
  const { record } = frames.spec;
  const made = pipelineObjects({ ...frames, spec: { ...frames.spec, record: { ...record, decode: 'frame' } } }, values);
  const pod = podSpecOf(named('Deployment', 'traffic-processor', made));
  const mounted = (pod?.volumes ?? []).flatMap(({ secret }) => (secret as { secretName: string } | undefined)?.secretName ?? []);
  expect(mounted).toEqual(['millrace-kafka-processor', 'millrace-database-registry']);
  const env = pod?.containers[0]?.env;
  expect(env).toContainEqual({ name: 'MILLRACE_DATABASE_USER', value: 'millrace_registry' });
  const { egress } = named('NetworkPolicy', 'traffic-processor', made).spec as { egress: { ports: { port: number }[] }[] };
  expect(egress.flatMap(({ ports }) => ports.map(({ port }) => port))).toContain(5432);
});

test('another Pipeline is another set-up Job, since a Job cannot be changed', () => {
  const job = (more: string) =>
    pipelineObjects(pipelineOf('', SIMULATOR, more), values).find(({ kind }) => kind === 'Job')?.metadata.name;
  expect(job('')).toMatch(/^traffic-setup-[0-9a-f]{8}$/);
  expect(job('topics: { partitions: 3 }')).not.toBe(job(''));
});

test.each([
  ['scale: { replicas: 3 }', { producer: 1, processor: 3, sink: 3 }],
  ['scale: { min: 2 }', { producer: 1, processor: 2, sink: 2 }],
  ['', { producer: 1, processor: 1, sink: 1 }],
])('%s: replicas %o', (more, wanted) => {
  const made = pipelineObjects(pipelineOf('', SIMULATOR, more), values);
  for (const [name, replicas] of Object.entries(wanted)) {
    expect(named('Deployment', `traffic-${name}`, made).spec).toMatchObject({ replicas });
    expect(made.some(({ kind, metadata }) => kind === 'PodDisruptionBudget' && metadata.name === `traffic-${name}`)).toBe(
      replicas > 1,
    );
  }
});

test('what the Pipeline wishes for a role comes before what the platform gives', () => {
  const made = pipelineObjects(pipelineOf('', SIMULATOR, 'resources: { sink: { limits: { memory: 1Gi } } }'), values);
  const [container] = podSpecOf(named('Deployment', 'traffic-sink', made))?.containers ?? [];
  expect(container?.resources?.limits).toEqual({ cpu: '1', memory: '1Gi', 'ephemeral-storage': '64Mi' });
});

describe('the files of a replay', () => {
  test.each([
    ['', REPLAY, /names nothing that holds it.*millrace.dev\/data-configmap/],
    ['annotations: { millrace.dev/data-configmap: a, millrace.dev/data-claim: b }', REPLAY, /names two places/],
    ['namespace: other', SIMULATOR, /metadata.namespace is other/],
  ])('%s %s is refused', (metadata, source, message) => {
    expect(() => pipelineObjects(pipelineOf(metadata, source), values)).toThrow(message);
  });

  test('come from a volume, read only', () => {
    const made = pipelineObjects(pipelineOf('annotations: { millrace.dev/data-claim: archive }', REPLAY), values);
    expect(podSpecOf(named('Deployment', 'traffic-producer', made))?.volumes).toContainEqual({
      name: 'archive',
      persistentVolumeClaim: { claimName: 'archive', readOnly: true },
    });
  });

  test('come from the web, and the network lets the producer there', () => {
    const made = pipelineObjects(pipelineOf('', '{ replay: { path: "https://example.org/a.csv" } }'), values);
    const { egress } = named('NetworkPolicy', 'traffic-producer', made).spec as { egress: unknown[] };
    expect(egress).toContainEqual({ ports: [{ port: 443, protocol: 'TCP' }] });
  });
});

test('with an existing Kafka and database the roles use those', () => {
  const external = parseValues(
    'kafka: { external: { brokers: "k1:9092,k2:9092" } }\ndatabase: { external: { host: db, port: 6432 } }',
    'v',
  );
  const made = pipelineObjects(pipelineOf('', SIMULATOR), external);
  const [container] = podSpecOf(named('Deployment', 'traffic-sink', made))?.containers ?? [];
  expect(container?.env).toContainEqual({ name: 'MILLRACE_KAFKA', value: 'k1:9092,k2:9092' });
  expect(container?.env).toContainEqual({ name: 'MILLRACE_DATABASE_HOST', value: 'db' });
  expect(container?.env).toContainEqual({ name: 'MILLRACE_DATABASE_PORT', value: '6432' });
});
