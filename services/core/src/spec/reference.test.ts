import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DEFAULTS } from './defaults.ts';
import { editorSchema, schemaAt, walk } from './jsonSchema.ts';
import { pipeline } from './pipeline.ts';
import { referencePage } from './reference.ts';

const members = [...walk(editorSchema())].map(({ path, ...rest }) => ({ path: path.join('.'), ...rest }));

test('every field says what it is', () => {
  expect(members.filter(({ schema }) => !schema.description).map(({ path }) => path)).toEqual([]);
});

test('every default belongs to a field, and is a value that the field takes', () => {
  for (const [path, known] of Object.entries(DEFAULTS)) {
    const schema = schemaAt(path.split('.'));
    expect(schema, path).not.toBeNull();
    if (schema && 'value' in known)
      expect(z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema).safeParse(known.value).success, path).toBe(true);
  }
});

test('what is required has no default', () => {
  expect(members.filter(({ path, required }) => required && path in DEFAULTS).map(({ path }) => path)).toEqual([]);
});

test('the page names every field', () => {
  const page = referencePage([]);
  for (const { path } of members) expect(page).toMatch(new RegExp(`\`(\\S+\\.)?${path.split('.').at(-1)}\``));
});

describe('the schema for editors says the same as the loader', () => {
  const editor = z.fromJSONSchema(editorSchema() as z.core.JSONSchema.JSONSchema);
  const good = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'a' },
    spec: {
      source: { replay: { path: 'a.csv' } },
      record: { key: 'k', time: { field: 't' }, fields: { k: { type: 'text' } } },
      table: { name: 'a' },
    },
  };
  test.each<[string, unknown, boolean]>([
    ['a right one', good, true],
    ['an unknown field', { ...good, spec: { ...good.spec, topic: {} } }, false],
    ['a wrong type', { ...good, kind: 3 }, false],
    ['a missing field', { ...good, metadata: {} }, false],
    ['a wrong duration', { ...good, spec: { ...good.spec, topics: { retention: '7' } } }, false],
  ])('%s', (_what, value, valid) => {
    expect([editor.safeParse(value).success, pipeline.safeParse(value).success]).toEqual([valid, valid]);
  });
});
