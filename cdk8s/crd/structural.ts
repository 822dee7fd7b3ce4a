/** A zod type as the structural schema that a CustomResourceDefinition takes: OpenAPI v3 without what the API server refuses. */
import { z } from 'zod';
import { RULES } from './rules.ts';

export type Structural = { [member: string]: unknown };

/** What the API server knows; all else is for editors and for us. */
const KEPT = [
  'type',
  'description',
  'enum',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'required',
  'nullable',
];

interface Source {
  [member: string]: unknown;
  type?: string;
  properties?: Record<string, Source>;
  items?: Source;
  additionalProperties?: Source | boolean;
}

/** Without defaults: what a CRD defaults is stored for ever. @param path in the resource, for its rules */
export function structural(type: z.ZodType, path: readonly string[]): Structural {
  const schema = z.toJSONSchema(type, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    cycles: 'throw',
    unrepresentable: 'throw',
  });
  return convert(schema as Source, path);
}

function convert(schema: Source, path: readonly string[]): Structural {
  const { type, description, properties, items, additionalProperties } = schema;
  // Values of several types: whatever it is, `millrace validate` and the operator check it.
  if (type === undefined)
    return { ...(description === undefined ? {} : { description }), 'x-kubernetes-preserve-unknown-fields': true };
  const kept = Object.fromEntries(KEPT.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]]));
  return {
    ...kept,
    ...(type === 'integer' ? whole(schema) : {}),
    // The format says it, and the pattern is long.
    ...(schema.format === 'date-time' ? { pattern: undefined } : {}),
    ...(properties ? { properties: each(properties, path) } : {}),
    ...(items ? { items: convert(items, [...path, '*']) } : {}),
    ...(typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0
      ? { additionalProperties: convert(additionalProperties, [...path, '*']) }
      : {}),
    ...rulesAt(path),
  };
}

function each(properties: Record<string, Source>, path: readonly string[]): Structural {
  return Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, convert(member, [...path, name])]));
}

/** Without the bounds that zod gives to every whole number. */
function whole({ minimum, maximum }: Source): Structural {
  return {
    format: 'int64',
    minimum: minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum,
    maximum: maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum,
  };
}

export function rulesAt(path: readonly string[]): Structural {
  const known = RULES[path.join('.')];
  if (!known) return {};
  return { ...known.more, ...(known.rules.length > 0 ? { 'x-kubernetes-validations': known.rules } : {}) };
}
