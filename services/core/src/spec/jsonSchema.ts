/**
 * The Pipeline as JSON Schema: for editors (yaml-language-server), for the reference page, and for saying in an error
 * what is allowed at a place. The CRD's OpenAPI schema will be made from the same zod schema in `cdk8s/`, without the
 * defaults: what a CRD defaults is stored for ever.
 */
import { z } from 'zod';
import { DEFAULTS } from './defaults.ts';
import { pipeline } from './pipeline.ts';
import type { Path } from './problem.ts';

/** The part of JSON Schema (draft 7) that the Pipeline's zod schema makes. */
export interface JsonSchema {
  title?: string;
  description?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  pattern?: string;
  /** In words what `pattern` says; shown by editors. */
  patternErrorMessage?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minItems?: number;
  maxItems?: number;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  propertyNames?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
}

/** Stands in a path for any name of a map or any index of a list. */
export const ANY = '*';

/** Bounds that `z.int()` adds to every whole number. */
function withoutIntBounds(schema: JsonSchema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}

/** Every schema below the root with its path; `*` for names of maps and list items. */
export function* walk(
  schema: JsonSchema,
  path: string[] = [],
): Generator<{ path: string[]; schema: JsonSchema; required: boolean }> {
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    yield { path: [...path, name], schema: member, required: schema.required?.includes(name) ?? false };
    yield* walk(member, [...path, name]);
  }
  for (const inner of [schema.items, schema.additionalProperties]) {
    if (typeof inner === 'object') yield* walk(inner, [...path, ANY]);
  }
}

/** The JSON Schema of what is written down, before defaults are filled in. */
export function jsonSchemaOf(type: z.ZodType): JsonSchema {
  const schema = z.toJSONSchema(type, { target: 'draft-7', io: 'input', reused: 'inline', cycles: 'throw' }) as JsonSchema;
  for (const { schema: member } of walk(schema)) withoutIntBounds(member);
  return schema;
}

const SCHEMA = jsonSchemaOf(pipeline);

/** The schema at a path into a value, whatever names and indexes it goes through; null where nothing may stand. */
export function schemaAt(path: Path, root: JsonSchema = SCHEMA): JsonSchema | null {
  let schema: JsonSchema | null = root;
  for (const part of path) {
    const inner: JsonSchema | boolean | undefined = schema?.properties?.[part] ?? schema?.items ?? schema?.additionalProperties;
    schema = typeof inner === 'object' ? inner : null;
  }
  return schema;
}

/** The schema for editors, with the defaults; a copy. */
export function editorSchema(): JsonSchema {
  const schema = structuredClone(SCHEMA);
  for (const { path, schema: member } of walk(schema)) {
    const known = DEFAULTS[path.join('.')];
    if (known && 'value' in known) member.default = known.value;
  }
  return { title: 'Millrace Pipeline', ...schema };
}
