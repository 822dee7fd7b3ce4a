import { SpecError } from '@millrace/core/spec/problem.ts';
import { expect, test } from 'vitest';
import { defaultValues, parseValues } from './loadValues.ts';

function problemsOf(text: string): string[] {
  try {
    parseValues(text, 'values.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.problems.map(({ line, column, path, message, allowed }) => `${line}:${column} ${path}: ${message}; ${allowed}`);
  }
}

test.each([
  ['kafka: { node: 3 }', '1:10 kafka.node: unknown field "node"; did you mean "nodes"?; nodes, storage, resources, external'],
  ['kafka: { nodes: 2 }', '1:17 kafka.nodes: "nodes" is of the wrong type; 1, or 3'],
  ['kafka: { storage: { size: 10GB } }', 'kafka.storage.size: "size" is not in the right form; a quantity of Kubernetes'],
  [
    'database: { resources: { limits: { memory: lots } } }',
    'database.resources.limits.memory: "memory" is not in the right form',
  ],
  [
    'image: docker.io/millrace/millrace:latest',
    'image: "image" is not in the right form; an image with a tag that stays what it is',
  ],
  ['kafka: { external: {} }', 'kafka.external.brokers: "brokers" is missing; host:port, several with commas between'],
  ['grafana: { enabled: "no" }', 'grafana.enabled: "enabled" is of the wrong type; true or false'],
  ['kafka: { external: { brokers: "k:1" }, strimzi: { cluster: a } }', 'kafka: give external or strimzi, not both'],
  ['kafka: { strimzi: {} }', 'kafka.strimzi.cluster: "cluster" is missing'],
  ['kafka: { strimzi: { cluster: a, authentication: plain } }', 'kafka.strimzi.authentication: it cannot be "plain"'],
  ['database: { external: { host: d }, cloudnativepg: {} }', 'database: give external or cloudnativepg, not both'],
  [
    'database: { cloudnativepg: { cluster: a, instances: 2 } }',
    'database.cloudnativepg: give cluster, or instances and timescaledb of one that is made, not both',
  ],
  ['namespace: Millrace', 'namespace: "namespace" is not in the right form; a name of Kubernetes'],
  ['namespace: millrace', 'and not millrace: tables are in a schema of this name'],
  ['grafana: {}\n---\nkafka: {}', 'values are one document; one'],
])('%s is refused with place, name and what is allowed', (text, expected) => {
  expect(problemsOf(text).join('\n')).toContain(expected);
});

test('all that is wrong is said at once', () => {
  expect(problemsOf('kafak: {}\nprometheus: { enabld: true }\n')).toHaveLength(2);
});

test.each(['', '# nothing\n', '{}'])('%j means all defaults', (text) => {
  expect(parseValues(text, 'values.yaml')).toEqual(defaultValues());
});

test('one value leaves the defaults of its neighbours', () => {
  const { kafka } = parseValues('kafka: { resources: { limits: { memory: 2Gi } } }', 'values.yaml');
  expect(kafka.resources.limits).toEqual({ ...defaultValues().kafka.resources.limits, memory: '2Gi' });
  expect(kafka.nodes).toBe(1);
});
