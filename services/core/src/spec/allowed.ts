import type { JsonSchema } from './jsonSchema.ts';

/** What a schema allows, in words: `a whole number from 1 to 1000`, `one of csv, json, ndjson`. */
export function allowedText(schema: JsonSchema): string {
  if (schema.anyOf) return schema.anyOf.map(allowedText).join(', or ');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum) return `one of ${schema.enum.map(wordText).join(', ')}`;
  if (schema.patternErrorMessage) return schema.patternErrorMessage;
  if (Array.isArray(schema.type)) return schema.type.map((type) => allowedText({ ...schema, type })).join(', or ');
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'array':
      return `a list${size(schema.minItems, schema.maxItems, '')}: each ${schema.items ? allowedText(schema.items) : 'anything'}`;
    case 'object':
      return objectText(schema);
    case 'string':
      if (schema.format === 'date-time') return 'a time such as 2025-04-15T18:52:00Z';
      return `text${size(schema.minLength, schema.maxLength, ' characters')}${schema.pattern ? ` like ${schema.pattern}` : ''}`;
    default:
      return 'anything';
  }
}

/** A word as it is, a mark such as "," in quotes. */
function wordText(word: unknown): string {
  return typeof word === 'string' && !/^[\w-]+$/.test(word) ? JSON.stringify(word) : String(word);
}

function objectText({ properties, additionalProperties }: JsonSchema): string {
  if (properties && Object.keys(properties).length > 0) return `an object of ${Object.keys(properties).join(', ')}`;
  return typeof additionalProperties === 'object'
    ? `an object of names, each with ${allowedText(additionalProperties)}`
    : 'an object';
}

function range({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `, at least ${minimum}`;
  return maximum === undefined ? '' : `, at most ${maximum}`;
}

function size(min: number | undefined, max: number | undefined, unit: string): string {
  if (min !== undefined && min === max) return ` of ${min}${min === 1 ? unit.replace(/s$/, '') : unit}`;
  if (max !== undefined) return ` of ${min ?? 0} to ${max}${unit}`;
  return min === undefined || min < 2 ? '' : ` of at least ${min}${unit}`;
}
