import { readDocuments } from '@millrace/core/spec/documents.ts';
import { SpecError } from '@millrace/core/spec/problem.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../constructs/manifest.ts';
import { parseValues } from '../platform/loadValues.ts';
import { clusterObjects, platformObjects } from '../platform/platform.ts';
import { values } from '../platform/values.ts';
import { CHART, findHelm, helm } from './helm.ts';
import { VALUES, type ValueSchema } from './schema.ts';

const program = findHelm() ?? '';
const skip = program === '';
const needs = skip ? ' (skipped: needs helm, scripts/helm/fetch)' : '';

type Objects = Record<string, Manifest>;
const byName = (objects: readonly Manifest[]): Objects => {
  const named = objects.map(
    (one) => [`${one.apiVersion} ${one.kind} ${one.metadata.namespace}/${one.metadata.name}`, one] as const,
  );
  expect(new Set(named.map(([name]) => name)).size).toBe(objects.length);
  return Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

/** @param values as JSON, which helm and we read in the same way */
function rendered(values: object, namespace: string): Objects {
  const { ok, stdout, stderr } = helm(
    program,
    ['template', 'release', CHART, '--namespace', namespace, '--values', '-'],
    JSON.stringify(values),
  );
  if (!ok) throw new Error(stderr);
  const { documents, problems } = readDocuments(stdout, 'helm template');
  expect(problems).toEqual([]);
  return byName(documents.map(({ value }) => value as Manifest));
}

/** All but the namespace, which is Helm's. */
function synthesised(given: object, namespace: string): Objects {
  const values = parseValues(JSON.stringify({ ...given, namespace }), 'values.yaml');
  return byName([...clusterObjects(values).slice(1), ...platformObjects(values)]);
}

const SETS: Record<string, object> = {
  'the defaults': {},
  'three Kafka nodes and an external database': {
    kafka: { nodes: 3, storage: { class: 'fast.ssd' } },
    database: { external: { host: 'db.example.org' } },
  },
  'an external database with a port': {
    database: { external: { host: '10.0.0.7', port: 6432 } },
    image: 'registry:5000/a/b:1e3',
  },
  'all that is optional switched off': {
    crd: { install: false },
    prometheus: { enabled: false },
    alertmanager: { enabled: false },
    grafana: { enabled: false },
    kafka: { external: { brokers: 'a:9092,b:9092' } },
    database: { external: { host: 'db' } },
  },
  'a Kafka and a database of operators': {
    kafka: { strimzi: { cluster: 'plant' } },
    database: { cloudnativepg: {} },
    prometheus: { operator: { namespace: 'eyes' } },
  },
  'a Kafka of an operator elsewhere, and a Cluster that is there': {
    kafka: { strimzi: { cluster: 'plant', namespace: 'kafka', port: 9095, authentication: 'tls', topics: true } },
    database: { name: 'feeds', cloudnativepg: { cluster: 'plant' } },
  },
  'a Cluster with TimescaleDB': {
    database: { cloudnativepg: { instances: 1, timescaledb: 'r:5000/t:2-pg17' }, storage: { class: 'fast' } },
    kafka: { strimzi: { cluster: 'a', namespace: 'feeds' } },
  },
  'pods found by DNS': { prometheus: { discovery: 'dns', retention: '1y' }, alertmanager: { enabled: false } },
  'awkward texts': {
    image: '0123:n',
    database: { name: 'n', storage: { class: '0x10', size: '1.5Gi' } },
    kafka: { storage: { class: '1e3' } },
    alertmanager: { webhook: 'https://hooks.example.org/{{ .Values }}/"q"\\\'<b>&c=ü%25{{end}}' },
  },
  'words that YAML reads in another way': {
    database: { name: 'null', storage: { class: 'true' } },
    kafka: { storage: { class: 'no' }, external: { brokers: '{{:1' } },
  },
};

describe.skipIf(skip)(`helm template${needs}`, () => {
  test.each(Object.entries(SETS))('with %s gives what the functions give, field by field', (_, values) => {
    expect(rendered(values, 'feeds')).toEqual(synthesised(values, 'feeds'));
  });

  test('takes the namespace of the release', () => {
    expect(rendered({}, 'plant-7')).toEqual(synthesised({}, 'plant-7'));
  });

  test('with values that nobody thought of gives what the functions give', () => {
    fc.assert(
      fc.property(arbitraryOf({ ...VALUES, required: [] }).filter(isRight), (values) => {
        const { namespace: _, ...rest } = values as { namespace?: string };
        expect(rendered(rest, 'feeds')).toEqual(synthesised(rest, 'feeds'));
      }),
      { numRuns: 15 },
    );
  });

  test.each<[string, object, RegExp, string[]]>([
    ['another image makes another Job', { image: 'a/b:2' }, /\bJob\b/, ['bootstrap', 'bootstrap']],
    ['another way to find pods makes Prometheus anew', { prometheus: { discovery: 'dns' } }, /StatefulSet/, ['prometheus']],
    ['that makes no other Job', { prometheus: { discovery: 'dns' } }, /\bJob\b/, []],
  ])('%s', (_, values, kinds, names) => {
    const [before, after] = [rendered({}, 'feeds'), rendered(values, 'feeds')];
    const other = Object.keys({ ...before, ...after }).filter((id) => JSON.stringify(before[id]) !== JSON.stringify(after[id]));
    const changed = other.filter((id) => kinds.test(id)).map((id) => /(?:millrace-)?([a-z]+)(?:-[0-9a-f]{8})?$/.exec(id)?.[1]);
    expect(changed).toEqual(names);
  });
});

describe.skipIf(skip)(`helm lint${needs}`, () => {
  test.each(Object.entries(SETS))('has nothing to say with %s', (_, values) => {
    const { ok, stdout, stderr } = helm(program, ['lint', '--strict', CHART, '--values', '-'], JSON.stringify(values));
    expect({ ok, said: (stdout + stderr).match(/\[(WARNING|ERROR)\].*/g) }).toEqual({ ok: true, said: null });
  });
});

describe.skipIf(skip)(`wrong values${needs}`, () => {
  test.each<[object, RegExp]>([
    [{ kafak: {} }, /'kafak' not allowed/],
    [{ kafka: { node: 3 } }, /\/kafka'.*'node' not allowed/],
    [{ kafka: { nodes: 2 } }, /\/kafka\/nodes'/],
    [{ kafka: { nodes: '3' } }, /\/kafka\/nodes'/],
    [{ kafka: { storage: { size: '10GB' } } }, /\/kafka\/storage\/size'.*does not match pattern/],
    [{ kafka: { storage: { size: 10 } } }, /\/kafka\/storage\/size'.*want string/],
    [{ database: { resources: { limits: { memory: 'lots' } } } }, /\/database\/resources\/limits\/memory'/],
    [{ image: 'docker.io/millrace/millrace' }, /\/image'.*does not match pattern/],
    [{ image: 'docker.io/millrace/millrace:latest' }, /\/image'/],
    [{ kafka: { external: {} } }, /\/kafka\/external'.*missing property 'brokers'/],
    [{ database: { external: { host: 'db', port: 70_000 } } }, /\/database\/external\/port'/],
    [{ grafana: { enabled: 'no' } }, /\/grafana\/enabled'.*want boolean/],
    [{ prometheus: { discovery: 'consul' } }, /\/prometheus\/discovery'/],
    [{ prometheus: null }, /missing property 'prometheus'/],
    [{ kafka: { external: { brokers: 'k:1' }, strimzi: { cluster: 'a' } } }, /\/kafka'.*not/],
    [{ kafka: { strimzi: {} } }, /\/kafka\/strimzi'.*missing property 'cluster'/],
    [{ database: { external: { host: 'd' }, cloudnativepg: {} } }, /\/database'.*not/],
    [{ database: { cloudnativepg: { cluster: 'a', instances: 2 } } }, /\/database\/cloudnativepg'.*not/],
  ])('%j is refused by the schema, as by us', (values, message) => {
    const { ok, stderr } = helm(program, ['template', 'release', CHART, '--values', '-'], JSON.stringify(values));
    expect(ok).toBe(false);
    expect(stderr).toMatch(message);
    expect(() => parseValues(JSON.stringify(values), 'values.yaml')).toThrow(SpecError);
  });

  test.each([
    ['millrace', {}, /the namespace "millrace" is not allowed.*Millrace's own/],
    ['a'.repeat(41), {}, /is not allowed; allowed is a name of Kubernetes/],
    ['feeds', { namespace: 'plant' }, /the value namespace is "plant", and the release's is "feeds"/],
  ])('the namespace %s with %j is refused', (namespace, values, message) => {
    const words = ['template', 'release', CHART, '--namespace', namespace, '--values', '-'];
    const { ok, stderr } = helm(program, words, JSON.stringify(values));
    expect(ok).toBe(false);
    expect(stderr).toMatch(message);
  });
});

/** Each value is; some go together with no other. */
function isRight(given: unknown): boolean {
  return values.safeParse(given).success;
}

/** Any value that the schema allows; what is not required is there in half of the cases. */
function arbitraryOf(schema: ValueSchema): fc.Arbitrary<unknown> {
  const { type, enum: words, anyOf, format, properties, minimum = 0, maximum = 1_000 } = schema;
  const { pattern, not } = schema.helm ?? { pattern: schema.pattern, not: undefined };
  if (type === 'boolean') return fc.boolean();
  if (words) return fc.constantFrom(...words);
  if (anyOf) return fc.constantFrom(...anyOf.map(({ const: only }) => only));
  if (type === 'integer') return fc.integer({ min: minimum, max: maximum });
  if (format === 'uri') return fc.webUrl({ withQueryParameters: true, withFragments: true });
  if (pattern !== undefined)
    return fc
      .stringMatching(new RegExp(pattern))
      .filter((text) => !(not?.pattern !== undefined && new RegExp(not.pattern).test(text)));
  if (!properties) throw new Error(`no values for ${JSON.stringify(schema)}`);
  return fc.record(Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, arbitraryOf(member)])), {
    requiredKeys: requiredIn(schema),
  });
}

/** What has no default: that is in the schema of what a template sees, where it alone is required and has none. */
function requiredIn({ properties = {}, required = [] }: ValueSchema): string[] {
  return required.filter((name) => properties[name]?.default === undefined && !properties[name]?.properties);
}
