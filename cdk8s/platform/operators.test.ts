/** Kafka and the database of operators of others: what they are asked for is what our own would be, and who mounts what. */
import { parsePipelines } from '@millrace/core/spec/load.ts';
import type { PipelineSpec } from '@millrace/core/spec/pipeline.ts';
import { permissionsInNamespace } from '@millrace/setup/permissions.ts';
import { wantedTopics } from '@millrace/setup/topics.ts';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../constructs/manifest.ts';
import { podSpecOf } from '../constructs/restricted.ts';
import { pipelineObjects } from '../pipeline/pipeline.ts';
import { bootstrapPlan } from './bootstrap.ts';
import { parseValues } from './loadValues.ts';
import { KAFKA_CLIENTS } from './names.ts';
import { platformObjects } from './platform.ts';
import type { Values } from './values.ts';

const valuesOf = (text: string): Values => parseValues(text, 'values.yaml');
const pipelineOf = (spec: string) => {
  const [loaded] = parsePipelines(
    `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: traffic, namespace: feeds }
spec:
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: t }
  ${spec}
`,
    'pipeline.yaml',
  );
  if (!loaded) throw new Error('no Pipeline');
  return loaded.pipeline;
};
const SIMULATOR = 'source: { simulator: { seed: 1, devices: 1, rate: 1 } }';
const rendered = (text: string, spec = SIMULATOR, source?: PipelineSpec['source']): Manifest[] => {
  const pipeline = pipelineOf(spec);
  return pipelineObjects(source ? { ...pipeline, spec: { ...pipeline.spec, source } } : pipeline, valuesOf(text));
};
const ofKind = (objects: readonly Manifest[], kind: string): Manifest[] => objects.filter((object) => object.kind === kind);
const named = (objects: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = ofKind(objects, kind).find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
};
/** Of the first container, by name; and what its volumes hold, by the folder. */
function podOf(object: Manifest): { env: Record<string, string>; files: Record<string, string[]> } {
  const pod = podSpecOf(object);
  const container = pod?.containers[0] as { volumeMounts: { name: string; mountPath: string }[] } | undefined;
  const volumes = (pod?.volumes ?? []) as {
    name: string;
    projected?: { sources: { secret: { name: string; items: { key: string; path: string }[] } }[] };
  }[];
  const files = (container?.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
    const sources = volumes.find((volume) => volume.name === name)?.projected?.sources ?? [];
    const all = sources.flatMap(({ secret }) => secret.items.map(({ key, path }) => `${path} of ${secret.name}/${key}`));
    return all.length === 0 ? [] : [[mountPath, all]];
  });
  const env = pod?.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [];
  return { env: Object.fromEntries(env), files: Object.fromEntries(files) };
}

const STRIMZI = 'kafka: { strimzi: { cluster: plant } }';

describe('Strimzi', () => {
  test('is asked for a user per role, who may do what the bootstrap would let it', () => {
    const users = ofKind(platformObjects(valuesOf(STRIMZI)), 'KafkaUser');
    expect(users.map(({ metadata }) => metadata.name)).toEqual(KAFKA_CLIENTS.map((user) => `millrace-kafka-${user}`));
    for (const [index, { metadata, spec }] of users.entries()) {
      expect(metadata.labels?.['strimzi.io/cluster']).toBe('plant');
      const { acls } = (spec as { authorization: { acls: object[] } }).authorization;
      const permissions = permissionsInNamespace(KAFKA_CLIENTS[index] ?? 'sink', 'feeds');
      expect(acls).toEqual(
        permissions.map(({ resource, name, operations }) => ({
          resource: { type: resource, name, patternType: 'prefix' },
          operations,
        })),
      );
    }
  });

  test('has no Kafka beside it, and nobody administers it', () => {
    const objects = platformObjects(valuesOf(STRIMZI));
    expect(objects.map(({ metadata }) => metadata.name)).not.toContain('kafka');
    expect(bootstrapPlan(valuesOf(STRIMZI)).kafka).toBeNull();
    expect(JSON.stringify(objects)).not.toMatch(/kafka-admin|kafka-server/);
  });

  test.each([
    [
      STRIMZI,
      { MILLRACE_KAFKA: 'plant-kafka-bootstrap.feeds.svc:9093', MILLRACE_KAFKA_USER: 'millrace-kafka-sink' },
      ['password of millrace-kafka-sink/password', 'ca.crt of plant-cluster-ca-cert/ca.crt'],
    ],
    [
      'kafka: { strimzi: { cluster: plant, namespace: kafka, port: 9095, authentication: tls } }',
      { MILLRACE_KAFKA: 'plant-kafka-bootstrap.kafka.svc:9095', MILLRACE_KAFKA_CERT: '/etc/millrace/kafka/user.crt' },
      [
        'user.crt of millrace-kafka-sink/user.crt',
        'user.key of millrace-kafka-sink/user.key',
        'ca.crt of plant-cluster-ca-cert/ca.crt',
      ],
    ],
  ])('%s: a role logs in as the user that is made for it', (text, variables, files) => {
    const pod = podOf(named(rendered(text), 'Deployment', 'traffic-sink'));
    expect(pod.env).toMatchObject(variables);
    expect(pod.env.MILLRACE_KAFKA_USER === undefined).toBe(text.includes('tls'));
    expect(pod.files['/etc/millrace/kafka']).toEqual(files);
  });

  describe('with topics', () => {
    const TOPICS = 'kafka: { strimzi: { cluster: plant, topics: true } }';

    test('makes those that set-up would make, of the same names', () => {
      const spec = `${SIMULATOR}\n  topics: { partitions: 3, retention: 2d, replicas: 2 }`;
      const objects = rendered(TOPICS, spec);
      const topics = ofKind(objects, 'KafkaTopic');
      expect(topics.map(({ metadata }) => metadata.name)).toEqual(['traffic-processed', 'traffic-dlq', 'traffic-raw']);
      expect(topics.map(({ spec }) => spec)).toEqual(
        wantedTopics(pipelineOf(spec), null).map(({ name, ...rest }) => ({ topicName: name, ...rest })),
      );
      expect(topics[2]?.spec).toMatchObject({ topicName: 'feeds.traffic.raw', partitions: 3, replicas: 2 });
    });

    test('set-up waits for them, and may not make any', () => {
      const [job] = ofKind(rendered(TOPICS), 'Job');
      expect(job && podSpecOf(job)?.containers[0]).toMatchObject({ args: expect.arrayContaining(['--topics-given']) });
      const setup = named(platformObjects(valuesOf(TOPICS)), 'KafkaUser', 'millrace-kafka-setup');
      expect(JSON.stringify(setup.spec)).not.toMatch(/Create|Alter/);
    });

    test('a name that no resource may have is a topic all the same', () => {
      const [topic] = ofKind(rendered(TOPICS, `${SIMULATOR}\n  topics: { prefix: Plant_7.cars }`), 'KafkaTopic');
      expect(topic).toMatchObject({ metadata: { name: 'traffic-processed' }, spec: { topicName: 'Plant_7.cars.processed' } });
    });

    test("a user's own topic is not made, and its number of partitions has to be said", () => {
      const own = { topic: { name: 'plant.sensors' } };
      expect(() => rendered(TOPICS, SIMULATOR, own)).toThrow(
        /"plant.sensors", whose number of partitions is not known here.*topics.partitions/,
      );
      const topics = ofKind(rendered(TOPICS, `${SIMULATOR}\n  topics: { partitions: 11 }`, own), 'KafkaTopic');
      expect(topics.map(({ spec }) => spec)).toMatchObject([{ partitions: 11 }, { partitions: 11 }]);
    });

    test('are not there where nobody asks for them', () => {
      expect(ofKind(rendered(STRIMZI), 'KafkaTopic')).toEqual([]);
      const [job] = ofKind(rendered(STRIMZI), 'Job');
      expect(JSON.stringify(job)).not.toContain('topics-given');
    });
  });
});

const LOGIN = ['password of millrace-database-writer/password'];

describe('CloudNativePG', () => {
  test('is asked for a Cluster whose owner, writer and reader get our passwords, and whose superuser nobody has', () => {
    const values = valuesOf('database: { name: rows, storage: { size: 5Gi, class: fast }, cloudnativepg: { instances: 2 } }');
    const objects = platformObjects(values);
    expect(named(objects, 'Cluster', 'database').spec).toMatchObject({
      instances: 2,
      storage: { size: '5Gi', storageClass: 'fast' },
      enableSuperuserAccess: false,
      bootstrap: { initdb: { database: 'rows', owner: 'millrace_owner', secret: { name: 'millrace-database-owner' } } },
      managed: {
        roles: ['writer', 'reader', 'registry'].map((role) => ({
          name: `millrace_${role}`,
          login: true,
          passwordSecret: { name: `millrace-database-${role}` },
        })),
      },
    });
    expect(ofKind(objects, 'StatefulSet').map(({ metadata }) => metadata.name)).not.toContain('database');
    expect(JSON.stringify(objects)).not.toMatch(/database-superuser|database-server/);
  });

  test('keeps the Cluster where Helm takes all else away, since its volumes would go with it', () => {
    const cluster = named(platformObjects(valuesOf('database: { cloudnativepg: {} }')), 'Cluster', 'database');
    expect(cluster.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
  });

  test('with TimescaleDB has its library loaded before it is made', () => {
    const values = valuesOf('database: { cloudnativepg: { timescaledb: "r/t:2-pg17" } }');
    expect(named(platformObjects(values), 'Cluster', 'database').spec).toMatchObject({
      imageName: 'r/t:2-pg17',
      postgresql: { shared_preload_libraries: ['timescaledb'] },
      bootstrap: { initdb: { postInitApplicationSQL: ['CREATE EXTENSION IF NOT EXISTS timescaledb'] } },
    });
  });

  test('in an existing Cluster is asked for roles and a database only', () => {
    const objects = platformObjects(valuesOf('database: { cloudnativepg: { cluster: plant } }'));
    expect(ofKind(objects, 'Cluster')).toEqual([]);
    expect(ofKind(objects, 'DatabaseRole').map(({ spec }) => spec)).toEqual(
      ['owner', 'writer', 'reader', 'registry'].map((role) => ({
        cluster: { name: 'plant' },
        name: `millrace_${role}`,
        login: true,
        passwordSecret: { name: `millrace-database-${role}` },
      })),
    );
    expect(named(objects, 'Database', 'millrace-database').spec).toEqual({
      cluster: { name: 'plant' },
      name: 'millrace',
      owner: 'millrace_owner',
    });
    expect(ofKind(objects, 'NetworkPolicy').map(({ metadata }) => metadata.name)).not.toContain('millrace-database');
  });

  test.each([
    ['database: { cloudnativepg: {} }', 'database'],
    ['database: { cloudnativepg: { cluster: plant } }', 'plant'],
  ])('%s: roles know it by its own authority, and see no key of that', (text, cluster) => {
    const pod = podOf(named(rendered(text), 'Deployment', 'traffic-sink'));
    expect(pod.env).toMatchObject({
      MILLRACE_DATABASE_HOST: `${cluster}-rw.feeds.svc`,
      MILLRACE_DATABASE_PORT: '5432',
      MILLRACE_DATABASE_USER: 'millrace_writer',
    });
    expect(pod.files['/etc/millrace/database']).toEqual([...LOGIN, `ca.crt of ${cluster}-ca/ca.crt`]);
  });

  test('the bootstrap comes as the owner, and its account may read none of the Secrets of the operator', () => {
    const values = valuesOf('database: { cloudnativepg: {} }');
    const { database, labels } = bootstrapPlan(values);
    expect(database?.server).toEqual({ of: 'an operator', authority: '/etc/millrace/database-ca/ca.crt' });
    expect(labels['cnpg.io/reload']).toBe('true');
    const [job] = ofKind(platformObjects(values), 'Job');
    expect(job && podOf(job).files).toEqual({ '/etc/millrace/database-ca': ['ca.crt of database-ca/ca.crt'] });
    const role = named(platformObjects(values), 'Role', 'millrace-bootstrap');
    expect(JSON.stringify(role)).not.toContain('database-ca');
  });
});

test('another way to Kafka is another set-up Job, since a Job cannot be changed', () => {
  const names = ['', STRIMZI, 'kafka: { external: { brokers: "a:1" } }', 'kafka: { external: { brokers: "b:1" } }'].map(
    (text) => ofKind(rendered(text), 'Job')[0]?.metadata.name,
  );
  expect(new Set(names).size).toBe(names.length);
});
