import { pipeline } from '@millrace/core/spec/pipeline.ts';
import { expect, test } from 'vitest';
import { defaultValues, parseValues } from '../platform/loadValues.ts';
import { crdObjects } from './crd.ts';
import { RULES } from './rules.ts';

type Schema = { [member: string]: unknown };

const [crd] = crdObjects(defaultValues());
const { versions } = (crd?.spec ?? {}) as { versions: { schema: { openAPIV3Schema: Schema } }[] };
const root = versions[0]?.schema.openAPIV3Schema ?? {};

/** Every schema with its path; `*` for names of maps and items of lists. */
function* walk(schema: Schema, path: string[] = []): Generator<{ path: string; schema: Schema }> {
  yield { path: path.join('.'), schema };
  for (const [name, member] of Object.entries((schema.properties ?? {}) as Record<string, Schema>))
    yield* walk(member, [...path, name]);
  for (const inner of [schema.items, schema.additionalProperties])
    if (typeof inner === 'object' && inner !== null) yield* walk(inner as Schema, [...path, '*']);
}
const schemas = new Map([...walk(root)].map(({ path, schema }) => [path, schema]));

test('is structural: every schema has one type, or keeps what it does not know', () => {
  const odd = [...schemas].filter(
    ([, { type, 'x-kubernetes-preserve-unknown-fields': keeps }]) => (type === undefined) === (keeps === undefined),
  );
  expect(odd).toEqual([]);
  const refused = ['anyOf', 'oneOf', 'allOf', 'not', '$ref', 'default', 'propertyNames', 'const', 'title'];
  const found = [...schemas].flatMap(([path, schema]) =>
    refused.filter((word) => word in schema).map((word) => `${path} ${word}`),
  );
  expect(found).toEqual([]);
  expect([...schemas].filter(([, schema]) => schema.additionalProperties === false)).toEqual([]);
});

test('nothing is lost from the one schema but values of several types', () => {
  const keeping = [...schemas].filter(([, schema]) => schema['x-kubernetes-preserve-unknown-fields'] === true);
  expect(keeping.map(([path]) => path)).toEqual(expect.arrayContaining(['spec.record.fields.*.from']));
  for (const [path] of keeping) expect(path).toMatch(/^spec\.record\.(fields\.\*|time)\./);
});

test('each rule stands at a place that there is', () => {
  for (const [path, { rules }] of Object.entries(RULES)) {
    expect([...schemas.keys()]).toContain(path);
    expect(schemas.get(path)?.['x-kubernetes-validations'] ?? [], path).toEqual(rules);
  }
});

test('what zod refines, and the names of maps that it checks, have a rule', () => {
  expect(refined(pipeline, []).filter((path) => !(path in RULES))).toEqual([]);
  expect(refined(pipeline, [])).toContain('spec.source');
});

test('an uninstall keeps it, and a value leaves it out', () => {
  expect(crd?.metadata).toMatchObject({ annotations: { 'helm.sh/resource-policy': 'keep' } });
  expect(crd?.metadata.namespace).toBeUndefined();
  expect(crdObjects(parseValues('crd: { install: false }', 'values.yaml'))).toEqual([]);
});

interface Internals {
  type: string;
  checks?: { _zod: { def: { check: string } } }[];
  shape?: Record<string, { _zod: { def: Internals } }>;
  innerType?: { _zod: { def: Internals } };
  element?: { _zod: { def: Internals } };
  valueType?: { _zod: { def: Internals } };
  keyType?: { _zod: { def: Internals } };
}

/** Paths of what has a refinement, or names with a form. */
function refined(type: unknown, path: readonly string[]): string[] {
  const { def } = (type as { _zod: { def: Internals } })._zod;
  const own =
    (def.checks ?? []).some((check) => check._zod.def.check === 'custom') || (def.keyType?._zod.def.checks ?? []).length > 0;
  return [
    ...(own ? [path.join('.')] : []),
    ...Object.entries(def.shape ?? {}).flatMap(([name, member]) => refined(member, [...path, name])),
    ...(def.innerType ? refined(def.innerType, path) : []),
    ...[def.element, def.valueType].flatMap((inner) => (inner ? refined(inner, [...path, '*']) : [])),
  ];
}
