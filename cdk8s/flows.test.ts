/**
 * NetworkPolicies, evaluated over the labels and ports of the pods as Kubernetes evaluates them: who can open a connection to
 * whom is exactly the way of the data (DESIGN section 1) and what watches it.
 */
import { describe, expect, test } from 'vitest';
import type { Manifest } from './constructs/manifest.ts';
import { templateOf } from './constructs/restricted.ts';
import { defaultValues, parseValues } from './platform/loadValues.ts';
import { objectsWith } from './samples.ts';

interface Peer {
  podSelector?: { matchLabels: Record<string, string> };
}
interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { port: number }[];
}
interface Policy {
  podSelector: { matchLabels: Record<string, string> };
  policyTypes: string[];
  ingress?: Rule[];
  egress?: Rule[];
}
interface Pod {
  name: string;
  labels: Record<string, string>;
  ports: number[];
}

function podsOf(objects: readonly Manifest[]): Pod[] {
  return objects.flatMap((object) => {
    const template = templateOf(object);
    if (!template) return [];
    const ports = template.spec.containers.flatMap(({ ports: all = [] }) =>
      all.map((port) => (port as { containerPort: number }).containerPort),
    );
    return [{ name: object.metadata.name.replace(/-[0-9a-f]{8}$/, ''), labels: template.metadata.labels, ports }];
  });
}

const selects = (labels: Record<string, string>, { matchLabels }: { matchLabels: Record<string, string> }): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value);

/** A pod that a policy of this side selects may do only what one of them names. */
function lets(side: 'Ingress' | 'Egress', policies: readonly Policy[], pod: Pod, other: Pod, port: number): boolean {
  const own = policies.filter(({ podSelector, policyTypes }) => policyTypes.includes(side) && selects(pod.labels, podSelector));
  if (own.length === 0) return true;
  const rules = own.flatMap((policy) => (side === 'Ingress' ? policy.ingress : policy.egress) ?? []);
  return rules.some(({ from, to, ports }) => {
    const peers = side === 'Ingress' ? from : to;
    const meets = !peers || peers.some(({ podSelector }) => podSelector !== undefined && selects(other.labels, podSelector));
    return meets && (!ports || ports.some((one) => one.port === port));
  });
}

/** `from -> to:port` for each connection that both sides let through; to ports that the pods have. */
function connections(objects: readonly Manifest[], stranger?: Pod): string[] {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as Policy);
  const pods = [...podsOf(objects), ...(stranger ? [stranger] : [])];
  return pods
    .flatMap((from) =>
      pods.flatMap((to) =>
        to.ports
          .filter((port) => lets('Egress', policies, from, to, port) && lets('Ingress', policies, to, from, port))
          .map((port) => `${from.name} -> ${to.name}:${port}`),
      ),
    )
    .toSorted();
}

const OF_PLATFORM = [
  'grafana -> database:5432',
  'grafana -> prometheus:9090',
  'kafka -> kafka:9093',
  'kafka -> kafka:9094',
  'millrace-bootstrap -> database:5432',
  'millrace-bootstrap -> kafka:9092',
  'millrace-bootstrap-daily -> database:5432',
  'millrace-bootstrap-daily -> kafka:9092',
  'prometheus -> alertmanager:9093',
];

const ofPipeline = (name: string): string[] => [
  `${name}-producer -> kafka:9092`,
  `${name}-processor -> kafka:9092`,
  `${name}-setup -> database:5432`,
  `${name}-setup -> kafka:9092`,
  `${name}-sink -> database:5432`,
  `${name}-sink -> kafka:9092`,
  ...['producer', 'processor', 'sink'].map((role) => `prometheus -> ${name}-${role}:8080`),
];

test('pods talk along the way of the data and to what watches it, and no Pipeline to another', () => {
  expect(connections(objectsWith(defaultValues(), 'traffic', 'environment'))).toEqual(
    [...OF_PLATFORM, ...ofPipeline('traffic'), ...ofPipeline('environment')].toSorted(),
  );
});

test('a pod of somebody else in the namespace gets nowhere, and nobody goes there but to the ports of the Kubernetes API', () => {
  const stranger = { name: 'stranger', labels: { app: 'shop' }, ports: [80, 443, 5432, 8080, 9092] };
  const all = connections(objectsWith(defaultValues(), 'traffic'), stranger).filter((line) => line.includes('stranger'));
  const itself = stranger.ports.map((port) => `stranger -> stranger:${port}`);
  expect(all.filter((line) => !itself.includes(line))).toEqual([
    'grafana -> stranger:443',
    'millrace-bootstrap -> stranger:443',
    'millrace-bootstrap-daily -> stranger:443',
    'prometheus -> stranger:443',
  ]);
});

test('what is switched off is not let in either', () => {
  const values = parseValues(
    'prometheus: { enabled: false }\nalertmanager: { enabled: false }\ngrafana: { enabled: false }',
    'v',
  );
  expect(connections(objectsWith(values, 'traffic'))).toEqual(
    [...OF_PLATFORM, ...ofPipeline('traffic')].filter((line) => !/grafana|prometheus/.test(line)).toSorted(),
  );
});

test('devices come to the broker from anywhere, and only what is for them; roles come as such', () => {
  const values = parseValues('mqtt: { enabled: true }', 'v');
  const stranger = { name: 'stranger', labels: { app: 'shop' }, ports: [8080] };
  const all = connections(objectsWith(values), stranger).filter((line) => !OF_PLATFORM.includes(line));
  expect(all.filter((line) => /mqtt|devices/.test(line))).toEqual(
    [
      'devices -> database:5432',
      'devices -> mqtt:8883',
      'devices -> mqtt:8884',
      'mqtt -> devices:8091',
      'prometheus -> devices:8080',
      'stranger -> devices:8091',
      'stranger -> mqtt:8883',
    ].toSorted(),
  );
});

test('every pod is under a policy for both directions', () => {
  const objects = objectsWith(defaultValues(), 'traffic');
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as Policy);
  for (const { labels } of podsOf(objects)) {
    const own = policies.filter(({ podSelector }) => selects(labels, podSelector));
    expect(own.flatMap(({ policyTypes }) => policyTypes)).toEqual(['Ingress', 'Egress']);
  }
});

describe('with Kafka and the database of operators', () => {
  const values = parseValues(
    'kafka: { strimzi: { cluster: plant } }\ndatabase: { cloudnativepg: {} }\nprometheus: { discovery: pods }',
    'v',
  );
  const broker = {
    name: 'broker',
    labels: { 'strimzi.io/cluster': 'plant', 'strimzi.io/name': 'plant-kafka', 'strimzi.io/kind': 'Kafka' },
    ports: [9091, 9092, 9093],
  };
  const instance = { name: 'instance', labels: { 'cnpg.io/cluster': 'database' }, ports: [5432, 8000, 9187] };
  const to = (pod: Pod) =>
    connections(objectsWith(values, 'traffic'), pod).filter(
      (line) => line.includes(`-> ${pod.name}`) && !line.startsWith(pod.name),
    );

  test('clients get to the listener of the brokers that is theirs, and to nothing else of them', () => {
    expect(to(broker)).toEqual(['processor', 'producer', 'setup', 'sink'].map((role) => `traffic-${role} -> broker:9093`));
  });

  test('clients get to the instances of the database, and Prometheus to their metrics', () => {
    expect(to(instance)).toEqual([
      'grafana -> instance:5432',
      'millrace-bootstrap -> instance:5432',
      'millrace-bootstrap-daily -> instance:5432',
      'prometheus -> instance:9187',
      'traffic-setup -> instance:5432',
      'traffic-sink -> instance:5432',
    ]);
  });

  test('a stranger reaches only the port by which the operator looks after the instances', () => {
    const stranger = { name: 'stranger', labels: { app: 'shop' }, ports: [5432] };
    const objects = objectsWith(values, 'traffic');
    const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as Policy);
    expect(instance.ports.filter((port) => lets('Ingress', policies, instance, stranger, port))).toEqual([8000]);
    expect(lets('Egress', policies, instance, stranger, 5432)).toBe(false);
  });

  test('brokers elsewhere are named with their namespace', () => {
    const elsewhere = parseValues('kafka: { strimzi: { cluster: plant, namespace: kafka } }', 'v');
    const policies = objectsWith(elsewhere, 'traffic').filter(({ kind }) => kind === 'NetworkPolicy');
    const sink = policies.find(({ metadata }) => metadata.name === 'traffic-sink')?.spec as Policy | undefined;
    expect(sink?.egress).toContainEqual({
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kafka' } },
          podSelector: { matchLabels: { 'strimzi.io/cluster': 'plant', 'strimzi.io/name': 'plant-kafka' } },
        },
      ],
      ports: [{ port: 9093, protocol: 'TCP' }],
    });
  });
});
