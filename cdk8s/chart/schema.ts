/** The values as JSON Schema: for the chart's values.schema.json, for values.yaml and for what stands in for them. */
import type { JsonSchema } from '@millrace/core/spec/jsonSchema.ts';
import { z } from 'zod';
import { values } from '../platform/values.ts';

export interface ValueSchema extends JsonSchema {
  properties?: Record<string, ValueSchema>;
  /** What Helm checks instead, where the pattern has what Go's regular expressions lack. */
  helm?: { pattern?: string; not?: { pattern?: string } & Record<string, unknown> };
  $schema?: string;
}

const of = (io: 'input' | 'output') =>
  z.toJSONSchema(values, { target: 'draft-7', io, reused: 'inline', cycles: 'throw' }) as ValueSchema;

/** What a chart's template sees: what has a default is there. */
export const VALUES: ValueSchema = of('output');

/** Given by the release; where it stands among the values as well, so that one file serves all, it is the same. */
export const NAMESPACE = 'namespace';

/**
 * values.schema.json. What has a default is in the chart's values.yaml and therefore required, so that nobody can take it away
 * with null; inside of what is optional, only what has none.
 */
export function helmSchema(): object {
  const required = (VALUES.required ?? []).filter((name) => name !== NAMESPACE);
  const schema = forHelm({ ...VALUES, required }, of('input'));
  // What Helm itself puts beside the values of a chart that another one depends on.
  return { ...schema, properties: { ...schema.properties, global: { type: 'object' } } };
}

/** @param input the same place in the schema of what is written down, before defaults are filled in */
function forHelm(schema: ValueSchema, input: ValueSchema | undefined): ValueSchema {
  const { patternErrorMessage: _, helm, properties, ...rest } = schema;
  const members = Object.entries(properties ?? {}).map(([name, member]) => {
    const written = input?.properties?.[name];
    return [name, (schema.required ?? []).includes(name) ? forHelm(member, written) : forHelm(written ?? member, written)];
  });
  return { ...rest, ...helm, ...(properties ? { properties: Object.fromEntries(members) } : {}) };
}
