import { crdObjects } from '@millrace/cdk8s/crd/crd.ts';
import { pipelineObjects } from '@millrace/cdk8s/pipeline/pipeline.ts';
import { defaultValues, parseValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { platformObjects } from '@millrace/cdk8s/platform/platform.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { describe, expect, test } from 'vitest';
import { workloadsOf } from './check.ts';
import { podsOf, told } from './dryRun.ts';
import { mountedBy, problemsOf } from './given.ts';
import { installedProblems } from './installed.ts';
import { memoryProblems } from './memory.ts';
import { clusterProblems, kafkaProblems, type LiveKafka } from './operators.ts';
import { neededRights, pluralOf } from './rights.ts';
import { type Node, nodeProblems, type Pod, quotaProblems } from './room.ts';

const PIPELINE = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: traffic, annotations: { millrace.dev/data-claim: files } }
spec:
  source: { replay: { path: a.csv } }
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: traffic }
`;
const objectsOf = (values: string) => {
  const parsed = parseValues(values, 'v');
  return [
    ...platformObjects(parsed),
    ...parsePipelines(PIPELINE, 'p').flatMap(({ pipeline }) => pipelineObjects(pipeline, parsed)),
  ];
};
const objects = objectsOf('');
const workloads = workloadsOf(objects);

const node = (name: string, cpu: string, memory: string, rest: Partial<Node['spec']> = {}): Node => ({
  metadata: { name },
  spec: rest,
  status: { allocatable: { cpu, memory } },
});
const pod = (cpu: string, memory: string, rest: Partial<Pod['spec']> = {}, phase = 'Running'): Pod => ({
  metadata: { namespace: 'others' },
  spec: { nodeName: 'a', containers: [{ resources: { requests: { cpu, memory } } }], ...rest },
  status: { phase },
});

test('the platform as it is by default needs nothing more', () => {
  expect(memoryProblems(workloads)).toEqual([]);
  expect(nodeProblems(workloads, [node('a', '2', '4Gi')], [])).toEqual([]);
  expect(installedProblems(objects, [], [])).toEqual([]);
});

test('a program that would be killed with its first load is told before', () => {
  const found = memoryProblems(
    workloadsOf(objectsOf('roles: { sink: { limits: { memory: 100M } } }\nkafka: { resources: { limits: { memory: 0.25Gi } } }')),
  );
  expect(found).toEqual([
    'kafka has a memory limit of 0.25Gi (256 MiB); it needs 512Mi at least',
    'traffic-sink has a memory limit of 100M (95 MiB); it needs 224Mi at least',
  ]);
});

test.each<[string, Node[], Pod[], RegExp | null]>([
  [
    'a small node',
    [node('a', '2', '1Gi')],
    [],
    /pods ask for \d+ MiB of memory together, and the nodes have 1024 MiB left.*kafka 640 MiB/,
  ],
  ['a weak node', [node('a', '300m', '8Gi')], [], /of CPU together, and the nodes have 0.3 cores left/],
  [
    'no node that has room for one of them',
    ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => node(name, '4', '600Mi')),
    [],
    /kafka asks for 640 MiB of memory/,
  ],
  ['a node that others fill', [node('a', '4', '4Gi')], [pod('1', '3.5Gi')], /the node with the most has 512 MiB left/],
  ['a node that others have filled before', [node('a', '4', '4Gi')], [pod('1', '3.5Gi', {}, 'Succeeded')], null],
  [
    'only nodes that take no pods',
    [node('a', '4', '8Gi', { unschedulable: true }), node('b', '4', '8Gi', { taints: [{ effect: 'NoSchedule' }] })],
    [],
    /no node/,
  ],
  ['two nodes that do together', [node('a', '1', '1500Mi'), node('b', '1', '1500Mi')], [], null],
])('%s', (_, nodes, others, problem) => {
  const found = nodeProblems(workloads, nodes, others);
  if (problem === null) expect(found).toEqual([]);
  else expect(found.join('\n')).toMatch(problem);
});

test('a quota counts what others use, and not what is replaced', () => {
  const quota = (used: string) => [
    {
      metadata: { name: 'team' },
      spec: { hard: { 'requests.memory': '3Gi', 'count/jobs': '1' } },
      status: { used: { 'requests.memory': used } },
    },
  ];
  expect(quotaProblems(workloads, quota('0'), [])).toEqual([]);
  expect(quotaProblems(workloads, quota('2Gi'), [])[0]).toMatch(
    /the quota team allows 3072 MiB of requests.memory, of which others use 2048 MiB/,
  );
  expect(quotaProblems(workloads, quota('2Gi'), [pod('1', '2Gi')])).toEqual([]);
  const small = [{ metadata: { name: 'team' }, spec: { hard: { pods: '3' } } }];
  expect(quotaProblems(workloads, small, [])[0]).toMatch(/allows 3 of pods; the pods ask for 10/);
});

test('what is not made here has to be there, with its keys', () => {
  const external = objectsOf('kafka: { external: { brokers: "k:9092" } }\ndatabase: { external: { host: d } }');
  const all = mountedBy(workloadsOf(external));
  expect(all.map(({ kind, name }) => `${kind} ${name}`)).toEqual(
    expect.arrayContaining(['Secret millrace-kafka-producer', 'Secret millrace-database-owner', 'PersistentVolumeClaim files']),
  );
  const wanted = all.filter(({ name }) => ['millrace-kafka-sink', 'files'].includes(name));
  const sink = { metadata: { name: 'millrace-kafka-sink' }, data: { password: 'eA==', username: 'c2luaw==' } };
  expect(problemsOf(wanted, new Map([['Secret/millrace-kafka-sink', sink]]), 'feeds')).toEqual([
    'traffic-producer needs the PersistentVolumeClaim files, which is not in the namespace feeds: make it first',
    'the Secret millrace-kafka-sink in the namespace feeds, which traffic-sink needs, has no ca.crt; it has password, username',
  ]);
});

test('a Secret of another kind has to be there, with whatever keys', () => {
  const tokens = [{ kind: 'Secret' as const, name: 'tokens', by: 'phones-producer', keys: [] }];
  expect(problemsOf(tokens, new Map(), 'feeds')).toEqual([
    'phones-producer needs the Secret tokens, which is not in the namespace feeds: make it first',
  ]);
  expect(
    problemsOf(tokens, new Map([['Secret/tokens', { metadata: { name: 'tokens' }, data: { phone: 'eA==' } }]]), 'feeds'),
  ).toEqual([]);
});

test('an installed Kafka keeps its number of nodes, also where only its volumes are left, and volumes keep their size', () => {
  const three = objectsOf('kafka: { nodes: 3 }\ndatabase: { storage: { size: 5Gi } }');
  const claims = ['data-kafka-0', 'data-database-0'];
  expect(installedProblems(three, [], claims)[0]).toMatch(/kafka.nodes is 3, and the Kafka whose volumes are there has 1/);
  const found = installedProblems(
    three,
    objects.filter(({ kind }) => kind === 'StatefulSet'),
    [],
  );
  expect(found).toEqual([expect.stringMatching(/database has a volume of 20Gi, and 5Gi is wanted/)]);
});

test('each right that a deploy uses is asked for, once', () => {
  const rights = neededRights(objects, crdObjects(defaultValues()), 'feeds', true);
  const texts = rights.map(
    ({ verb, group, resource, subresource, namespace }) => `${verb} ${resource}.${group} ${subresource ?? ''} ${namespace}`,
  );
  expect(texts).toEqual(
    expect.arrayContaining([
      'create namespaces.  null',
      'patch customresourcedefinitions.apiextensions.k8s.io  null',
      'patch networkpolicies.networking.k8s.io  feeds',
      'delete rolebindings.rbac.authorization.k8s.io  feeds',
      'create pods. exec feeds',
    ]),
  );
  expect(new Set(texts).size).toBe(texts.length);
  expect(neededRights(objects, [], 'feeds', false).some(({ resource }) => resource === 'namespaces')).toBe(false);
});

test.each([
  ['NetworkPolicy', 'networkpolicies'],
  ['Ingress', 'ingresses'],
  ['Gateway', 'gateways'],
  ['PodDisruptionBudget', 'poddisruptionbudgets'],
])('the collection of %s is %s', (kind, plural) => {
  expect(pluralOf(kind)).toBe(plural);
});

test('pods are shown to the API server with all their volumes and without an account that is yet to come', () => {
  for (const { metadata, spec } of podsOf(objects, 'feeds')) {
    const { serviceAccountName, volumes, containers } = spec as {
      serviceAccountName?: string;
      volumes: { name: string }[];
      containers: { volumeMounts: { name: string }[] }[];
    };
    expect(metadata.name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    expect(serviceAccountName).toBeUndefined();
    const names = volumes.map(({ name }) => name);
    for (const { name } of containers.flatMap(({ volumeMounts }) => volumeMounts)) expect(names).toContain(name);
  }
  expect(podsOf(objects, 'feeds')).toHaveLength(workloads.length);
});

test('what the API server refuses is told once for each object, without advice on other things', () => {
  const said = `Warning: x
Error from server (Invalid): Deployment.apps "a" is invalid: spec: Invalid value
Error from server (Forbidden): pods "a-dry-run" is forbidden: violates PodSecurity "restricted:latest"`;
  expect(told(said, 'an object')).toEqual([
    'the API server refuses an object: Deployment.apps "a" is invalid: spec: Invalid value',
    'the API server refuses an object: pods "a-dry-run" is forbidden: violates PodSecurity "restricted:latest"',
  ]);
});

describe('what operators of others have to bring', () => {
  const strimzi = (more = '') => {
    const { kafka } = parseValues(`kafka: { strimzi: { cluster: plant${more} } }`, 'v');
    if (!kafka.strimzi) throw new Error('no Strimzi');
    return kafka.strimzi;
  };
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
  const kafka: LiveKafka = {
    spec: {
      kafka: {
        listeners: [
          { port: 9092, tls: false },
          { port: 9093, tls: true, authentication: { type: 'scram-sha-512' } },
        ],
        authorization: { type: 'simple' },
      },
      entityOperator: { userOperator: {} },
    },
    status: ready,
  };

  test('a Kafka that has all of it is good', () => {
    expect(kafkaProblems(kafka, strimzi(), 'feeds')).toEqual([]);
  });

  test.each<[string, LiveKafka | null, string, RegExp[]]>([
    ['is not there', null, '', [/there is no Kafka plant in the namespace feeds/]],
    [
      'is not ready',
      { ...kafka, status: { conditions: [{ type: 'Ready', status: 'False', message: 'no volumes' }] } },
      '',
      [/the Kafka plant is not ready: no volumes/],
    ],
    ['was just made', { spec: kafka.spec }, '', [/is not ready: its operator has said nothing of it/]],
    [
      'has no such listener',
      kafka,
      ', port: 9092',
      [/no listener on port 9092 with tls and authentication of type scram-sha-512/],
    ],
    [
      'asks for certificates',
      kafka,
      ', authentication: tls',
      [/no listener on port 9093 with tls and authentication of type tls/],
    ],
    [
      'lets everybody do everything',
      { ...kafka, spec: { ...kafka.spec, kafka: { listeners: kafka.spec.kafka.listeners ?? [] } } },
      '',
      [/has no spec.kafka.authorization of type simple/],
    ],
    ['has no Topic Operator', kafka, ', topics: true', [/no spec.entityOperator.topicOperator/]],
    ['looks for users elsewhere', kafka, ', namespace: kafka', [/the userOperator watches the namespace kafka: set .* to feeds/]],
    [
      'looks for users here, from elsewhere',
      { ...kafka, spec: { ...kafka.spec, entityOperator: { userOperator: { watchedNamespace: 'feeds' } } } },
      ', namespace: kafka',
      [],
    ],
  ])('a Kafka that %s', (_, found, more, problems) => {
    const told = kafkaProblems(found, strimzi(more), 'feeds');
    expect(told).toEqual(problems.map((problem) => expect.stringMatching(problem)));
  });

  test.each([
    [null, /there is no Cluster plant in the namespace feeds: make it first/],
    [
      { status: { conditions: [{ type: 'Ready', status: 'False', message: 'Cluster Is Not Ready' }] } },
      /plant is not ready: Cluster Is Not Ready/,
    ],
  ])('a Cluster that is %j', (found, problem) => {
    expect(clusterProblems(found, 'plant', 'feeds')).toEqual([expect.stringMatching(problem)]);
    expect(clusterProblems({ status: ready }, 'plant', 'feeds')).toEqual([]);
  });

  test('of a Secret that is mounted with others the keys that are mounted have to be there', () => {
    const all = mountedBy(
      workloadsOf(objectsOf('kafka: { strimzi: { cluster: plant } }\ndatabase: { cloudnativepg: { cluster: rows } }')),
    );
    const wanted = all.filter(({ name }) => ['plant-cluster-ca-cert', 'rows-ca', 'millrace-kafka-sink'].includes(name));
    expect(wanted.map(({ name, keys }) => [name, keys])).toEqual(
      expect.arrayContaining([
        ['plant-cluster-ca-cert', ['ca.crt']],
        ['rows-ca', ['ca.crt']],
        ['millrace-kafka-sink', ['password']],
      ]),
    );
    const authority = { metadata: { name: 'rows-ca' }, data: { 'ca.key': 'eA==' } };
    const told = problemsOf(wanted, new Map([['Secret/rows-ca', authority]]), 'feeds').join('\n');
    expect(told).toMatch(/the Secret plant-cluster-ca-cert, which is not in the namespace feeds: make it first, with ca.crt/);
    expect(told).toMatch(/the Secret rows-ca in the namespace feeds, which .* needs, has no ca.crt; it has ca.key/);
  });
});
