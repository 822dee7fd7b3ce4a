/**
 * The schemas of a cluster's own API, as kubeconform reads them. Strict: what a schema does not name is refused, as
 * `kubectl apply --validate=strict` does. Pure.
 */

export interface OpenApi {
  components: { schemas: Record<string, Schema> };
}

type Schema = Record<string, unknown> & { 'x-kubernetes-group-version-kind'?: Kind[] };

interface Kind {
  group: string;
  version: string;
  kind: string;
}

/** Where kubeconform looks for them, a template of Go. Of the core API, which has no group, it takes the version for one. */
export const FILE_TEMPLATE = '{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json';
export const fileOf = ({ group, version, kind }: Kind): string => `${group || version}_${version}_${kind.toLowerCase()}.json`;

/** By file name, a JSON schema per kind. @param document of one group and version, `/openapi/v3/apis/apps/v1` */
export function schemasOf(document: OpenApi): Map<string, object> {
  const components = { schemas: strict(document.components.schemas, true) as Record<string, object> };
  const files = new Map<string, object>();
  for (const [name, schema] of Object.entries(document.components.schemas))
    for (const kind of schema['x-kubernetes-group-version-kind'] ?? [])
      files.set(fileOf(kind), {
        $schema: 'http://json-schema.org/draft-07/schema#',
        allOf: [{ $ref: `#/components/schemas/${name}` }],
        components,
      });
  return files;
}

/** Members whose value is a map of names to schemas. */
const NAMED = new Set(['properties', 'patternProperties', 'schemas']);
/** Members that restate parts of a schema that is whole beside them. */
const PARTS = new Set(['anyOf', 'oneOf', 'not', 'default', 'enum', 'example']);

const BOUNDS = [
  ['minimum', 'exclusiveMinimum'],
  ['maximum', 'exclusiveMaximum'],
] as const;

/** @param named whether these are names with a schema each, and not the members of a schema */
function strict(value: unknown, named = false): unknown {
  if (Array.isArray(value)) return value.map((one) => strict(one));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => {
    if (!named && PARTS.has(key)) return [key, one];
    return [key, strict(one, !named && NAMED.has(key))];
  });
  const schema = Object.fromEntries(entries) as Record<string, unknown>;
  if (named) return schema;
  // A flag beside the bound in OpenAPI 3.0, the bound itself in JSON Schema.
  for (const [bound, flag] of BOUNDS) {
    if (schema[flag] === true) schema[flag] = schema[bound];
    else if (schema[flag] === false) delete schema[flag];
  }
  if (schema.nullable === true && typeof schema.type === 'string') schema.type = [schema.type, 'null'];
  const isOpen = 'additionalProperties' in schema || schema['x-kubernetes-preserve-unknown-fields'] === true;
  return 'properties' in schema && !isOpen ? { ...schema, additionalProperties: false } : schema;
}
