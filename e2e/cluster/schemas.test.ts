import { expect, test } from 'vitest';
import { schemasOf } from './schemas.ts';

const document = {
  components: {
    schemas: {
      'io.Thing': {
        type: 'object',
        properties: {
          spec: { allOf: [{ $ref: '#/components/schemas/io.Spec' }], default: { properties: 'kept' } },
          properties: { type: 'string', nullable: true },
        },
        'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'Thing' }],
      },
      'io.Spec': {
        type: 'object',
        properties: { any: { 'x-kubernetes-preserve-unknown-fields': true, properties: {} } },
        anyOf: [{ properties: { a: {} } }],
      },
      'io.Map': { type: 'object', additionalProperties: { type: 'string' } },
      'io.Share': { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: false },
    },
  },
};

test('what a schema does not name is refused, but where the API takes anything', () => {
  const [[file, schema] = []] = schemasOf(document);
  expect(file).toBe('apps_v1_thing.json');
  expect(schema).toMatchObject({ allOf: [{ $ref: '#/components/schemas/io.Thing' }] });
  const { schemas } = (schema as unknown as typeof document).components;
  expect(schemas['io.Thing']).toMatchObject({
    additionalProperties: false,
    properties: { spec: { default: { properties: 'kept' } }, properties: { type: ['string', 'null'] } },
  });
  expect(schemas['io.Thing'].properties).not.toHaveProperty('additionalProperties');
  expect(schemas['io.Spec']).toMatchObject({ additionalProperties: false, anyOf: [{ properties: { a: {} } }] });
  expect(schemas['io.Spec'].anyOf[0]).not.toHaveProperty('additionalProperties');
  expect(schemas['io.Spec'].properties.any).not.toHaveProperty('additionalProperties');
  expect(schemas['io.Map'].additionalProperties).toEqual({ type: 'string' });
  expect(schemas['io.Share']).toEqual({ type: 'number', minimum: 0, exclusiveMinimum: 0, maximum: 1 });
});
