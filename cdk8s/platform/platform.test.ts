import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrapPlan as planSchema } from '@millrace/bootstrap/plan.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../constructs/manifest.ts';
import { faultsOf, podSpecOf } from '../constructs/restricted.ts';
import { ruleFile, ruleGroup } from '../constructs/rules.ts';
import { pipelineObjects } from '../pipeline/pipeline.ts';
import { inCluster, VALUE_SETS } from '../samples.ts';
import { bootstrapPlan } from './bootstrap.ts';
import { clusterOf } from './databasePeer.ts';
import { serverProperties, startScript } from './kafkaConfig.ts';
import { defaultValues, parseValues } from './loadValues.ts';
import { namespaceObject, platformObjects } from './platform.ts';
import { RULES } from './rules.ts';

const objectsOf = (text: string): Manifest[] => platformObjects(parseValues(text, 'values.yaml'));
const idOf = ({ apiVersion, kind, metadata }: Manifest) => `${apiVersion} ${kind} ${metadata.namespace}/${metadata.name}`;
const named = (objects: Manifest[], kind: string, name: string): Manifest => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
};

describe.each(Object.entries(VALUE_SETS))('with %s', (_, text) => {
  const objects = objectsOf(text);

  test('every pod is restricted, with requests and limits', () => {
    const faults = objects.flatMap((object) => {
      const pod = podSpecOf(object);
      return pod ? faultsOf(pod).map((fault) => `${idOf(object)} ${fault}`) : [];
    });
    expect(faults).toEqual([]);
  });

  test('no object is there twice, and each has a NetworkPolicy if it makes pods', () => {
    const ids = objects.map(idOf);
    expect(new Set(ids).size).toBe(ids.length);
    // That of the CronJob is its Job's.
    const pods = objects.filter((object) => podSpecOf(object) && object.kind !== 'CronJob');
    for (const { metadata } of pods) named(objects, 'NetworkPolicy', metadata.name);
  });

  test('is the same every time, and holds nothing random or secret', () => {
    expect(JSON.stringify(objectsOf(text))).toBe(JSON.stringify(objects));
    expect(objects.map(({ kind }) => kind)).not.toContain('Secret');
  });

  test('what is mounted is made: ConfigMaps by templates, Secrets by the bootstrap', () => {
    const values = parseValues(text, 'values.yaml');
    const plan = bootstrapPlan(values);
    const made = new Set([
      ...objects.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name),
      ...JSON.stringify(plan)
        .matchAll(/"secret":"([^"]+)"/g)
        .map(([, name]) => name),
    ]);
    // With an external database its reader's Secret is given by the user, with a Cluster its authority by the operator.
    if (values.database.external) made.add('millrace-database-reader');
    if (values.database.cloudnativepg) made.add(`${clusterOf(values)}-ca`);
    if (values.mqtt.external) made.add('millrace-mqtt-commands');
    const wanted = objects.flatMap((object) =>
      (podSpecOf(object)?.volumes ?? []).flatMap((volume) => {
        const { secret, configMap, projected } = volume as {
          secret?: { secretName: string };
          configMap?: { name: string };
          projected?: { sources: { secret?: { name: string } }[] };
        };
        const several = (projected?.sources ?? []).map((source) => source.secret?.name);
        return [secret?.secretName, configMap?.name, ...several].filter((name) => name !== undefined);
      }),
    );
    expect(wanted.filter((name) => !made.has(name))).toEqual([]);
  });

  test('the bootstrap understands its plan', () => {
    expect(planSchema.parse(bootstrapPlan(parseValues(text, 'values.yaml')))).toBeDefined();
  });
});

test('the namespace refuses pods that are not restricted', () => {
  expect(namespaceObject(defaultValues()).metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
});

test('platform and examples ask for at most 1.5 cores and 3 GiB together', async () => {
  const values = defaultValues();
  const examples = await loadPipelines(globSync(join(import.meta.dirname, '../../examples/*/pipeline.yaml')));
  expect(examples.length).toBeGreaterThan(2);
  const all = [
    ...platformObjects(values),
    ...examples.flatMap(({ pipeline }) => pipelineObjects(inCluster(pipeline), values)),
  ].filter(({ kind }) => !['Job', 'CronJob'].includes(kind));
  const requests = all.flatMap((object) => {
    const { replicas = 1 } = (object.spec ?? {}) as { replicas?: number };
    return (podSpecOf(object)?.containers ?? []).map(({ resources }) => ({ replicas, ...resources?.requests }) as never);
  });
  const sum = (of: (one: { replicas: number; cpu: string; memory: string }) => number) =>
    requests.map((one) => of(one)).reduce((a, b) => a + b, 0);
  expect(sum(({ replicas, cpu }) => replicas * milliCores(cpu))).toBeLessThanOrEqual(1_500);
  expect(sum(({ replicas, memory }) => replicas * mebibytes(memory))).toBeLessThanOrEqual(3_072);
});

function milliCores(quantity: string): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) : Number(quantity) * 1_000;
}

function mebibytes(quantity: string): number {
  const match = /^(\d+)(Mi|Gi)$/.exec(quantity);
  if (!match) throw new Error(`memory as ${quantity}`);
  return Number(match[1]) * (match[2] === 'Gi' ? 1_024 : 1);
}

describe('Kafka', () => {
  test('lets nobody in without certificate or password, and nobody do what no ACL allows', () => {
    const properties = serverProperties(defaultValues());
    expect(properties).not.toContain('PLAINTEXT');
    for (const line of [
      'listener.security.protocol.map=CLIENTS:SASL_SSL,BROKERS:SSL,CONTROLLER:SSL',
      'listener.name.brokers.ssl.client.auth=required',
      'listener.name.controller.ssl.client.auth=required',
      'allow.everyone.if.no.acl.found=false',
      'auto.create.topics.enable=false',
    ])
      expect(properties.split('\n')).toContain(line);
  });

  test.each([
    [1, 1, 1],
    [3, 3, 2],
  ])('of %s nodes keeps %s copies and waits for %s', (nodes, copies, insync) => {
    const properties = serverProperties(parseValues(`kafka: { nodes: ${nodes} }`, 'values.yaml')).split('\n');
    expect(properties).toContain(`offsets.topic.replication.factor=${copies}`);
    expect(properties).toContain(`min.insync.replicas=${insync}`);
    const voters = Array.from({ length: nodes }, (_, node) => `${node}@kafka-${node}.kafka-nodes.feeds.svc:9093`);
    expect(properties).toContain(`controller.quorum.voters=${voters.join(',')}`);
  });

  test('its number of nodes cannot be changed by changing the value', () => {
    expect(startScript(parseValues('kafka: { nodes: 3 }', 'values.yaml'))).toContain('!= 3 ]');
  });

  test('its nodes find each other before they are ready', () => {
    expect(named(objectsOf(''), 'Service', 'kafka-nodes').spec).toMatchObject({
      clusterIP: 'None',
      publishNotReadyAddresses: true,
    });
  });

  test('is spread over nodes and zones, and drained one by one, where there are three', () => {
    const objects = objectsOf('kafka: { nodes: 3 }');
    const { template } = named(objects, 'StatefulSet', 'kafka').spec as { template: { spec: Record<string, unknown> } };
    expect(template.spec.topologySpreadConstraints).toHaveLength(2);
    expect(named(objects, 'PodDisruptionBudget', 'kafka')).toBeDefined();
  });
});

test.each([
  ['kafka', 9093, { tcpSocket: { port: 9092 } }],
  ['database', 5432, { exec: { command: expect.arrayContaining(['pg_isready']) } }],
])(
  '%s is not killed while it recovers: it is asked whether it lives, and by another question whether it serves',
  (name, port, ready) => {
    const [container] = podSpecOf(named(objectsOf(''), 'StatefulSet', name))?.containers ?? [];
    expect(container).toMatchObject({ startupProbe: { tcpSocket: { port } }, readinessProbe: ready });
  },
);

test('certificates are looked after once a day, by the same plan and rights as at first', () => {
  const objects = objectsOf('');
  const [job] = objects.filter(({ kind }) => kind === 'Job');
  const daily = named(objects, 'CronJob', 'millrace-bootstrap-daily');
  expect(daily.spec).toMatchObject({ concurrencyPolicy: 'Forbid' });
  expect(job && podSpecOf(daily)).toEqual(job && podSpecOf(job));
});

test('what is given from outside is not made', () => {
  const kinds = objectsOf(VALUE_SETS['nothing of its own']).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(kinds.filter((name) => /kafka|database|bootstrap/.test(name))).toEqual([]);
});

test('no account may read Secrets but the bootstrap, and that one only its own', () => {
  const roles = objectsOf('').filter(({ kind }) => kind === 'Role');
  const reads = roles.flatMap(({ metadata, rules }) =>
    (rules as { resources: string[]; resourceNames?: string[]; verbs: string[] }[])
      .filter(({ resources, verbs }) => resources.includes('secrets') && verbs.some((verb) => verb !== 'create'))
      .map(({ resourceNames }) => [metadata.name, resourceNames?.length]),
  );
  expect(reads).toEqual([['millrace-bootstrap', 14]]);
});

describe('Mosquitto', () => {
  const objects = objectsOf('mqtt: { enabled: true, host: mqtt.example.org, service: NodePort }');
  const { data } = named(objects, 'ConfigMap', 'millrace-mqtt') as unknown as { data: Record<string, string> };

  test('has no listener without TLS and a certificate of who connects', () => {
    const listeners = data['mosquitto.conf']?.split(/^listener /m).slice(1) ?? [];
    expect(listeners.map((one) => one.split('\n')[0])).toEqual(['8883', '8884']);
    for (const one of listeners) expect(one).toContain('require_certificate true');
  });

  test('does not get the key of the authority of devices, and its list only to read', () => {
    const [broker, sidecar] = podSpecOf(named(objects, 'StatefulSet', 'mqtt'))?.containers ?? [];
    const volumes = JSON.stringify(podSpecOf(named(objects, 'StatefulSet', 'mqtt'))?.volumes);
    expect(volumes).toContain('"items":[{"key":"tls.crt","path":"tls.crt"}],"secretName":"millrace-device-ca"');
    const lists = [broker, sidecar].map((one) =>
      (one as unknown as { volumeMounts: { mountPath: string; readOnly?: boolean }[] }).volumeMounts.find(
        ({ mountPath }) => mountPath === '/etc/millrace/crl',
      ),
    );
    expect(lists.map((mount) => mount?.readOnly ?? false)).toEqual([true, false]);
  });

  test('is reached from outside by devices only, at the name in its certificate', () => {
    expect(named(objects, 'Service', 'mqtt-devices').spec).toMatchObject({ type: 'NodePort', ports: [{ port: 8883 }] });
    const plan = bootstrapPlan(parseValues('mqtt: { enabled: true, host: mqtt.example.org }', 'values.yaml'));
    expect(plan.servers.at(-1)?.hosts).toEqual(['mqtt.feeds.svc', 'mqtt.feeds.svc.cluster.local', 'mqtt.example.org']);
  });

  test('is not there unless it is asked for', () => {
    expect(objectsOf('').filter(({ metadata }) => /mqtt|devices/.test(metadata.name))).toEqual([]);
    expect(bootstrapPlan(defaultValues()).devices).toBeNull();
  });
});

describe('rules', () => {
  test.each(RULES.map((rule) => [rule.alert, rule] as const))('%s has a page that tells what to do', (_, { runbook }) => {
    expect(existsSync(new URL(`../../docs/runbooks/${runbook}.md`, import.meta.url))).toBe(true);
  });

  test('are a rule file', () => {
    const { groups } = JSON.parse(ruleFile(ruleGroup('millrace', RULES)));
    expect(groups[0].rules).toHaveLength(RULES.length);
  });
});
