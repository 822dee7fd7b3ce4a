/** What a schema says of a value: unknown and missing fields, types, ranges, words; all at once. */
import type { z } from 'zod';
import { allowedText } from './allowed.ts';
import { type JsonSchema, jsonSchemaOf, schemaAt } from './jsonSchema.ts';
import { nearest } from './nearest.ts';
import { type Pipeline, pipeline } from './pipeline.ts';
import { type Finding, type Path, show } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** Of one document; a file of another kind may have thousands. */
const MAX_FINDINGS = 100;

const PIPELINE = { type: pipeline, schema: jsonSchemaOf(pipeline) };

/** The Pipeline, or all that keeps the value from being one. */
export function readStructure(value: unknown): { pipeline: Pipeline } | { findings: Finding[] } {
  const result = readAs(PIPELINE, value);
  return 'findings' in result ? result : { pipeline: result.value };
}

/** The value as a type has it, defaults filled in, or all that keeps it from being one. @param schema of that type */
export function readAs<T>(
  { type, schema }: { type: z.ZodType<T>; schema: JsonSchema },
  value: unknown,
): { value: T } | { findings: Finding[] } {
  const result = type.safeParse(value);
  if (result.success) return { value: result.data };
  return { findings: result.error.issues.flatMap((issue) => findingsOf(issue, value, schema)).slice(0, MAX_FINDINGS) };
}

function findingsOf(issue: Issue, root: unknown, rootSchema: JsonSchema): Finding[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const schema = schemaAt(path, rootSchema);
  const allowed = schema ? allowedText(schema) : 'nothing';
  const value = valueAt(root, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, MAX_FINDINGS).map((key) => unknownField([...path, key], schema?.properties ?? {}, root));
    case 'invalid_key':
      return [
        {
          path,
          message: 'the name is not allowed',
          found: show(path.at(-1)),
          allowed: issue.issues[0]?.message ?? '',
          at: 'name',
        },
      ];
    case 'invalid_value':
      return [value === undefined ? missing(path, allowed) : { path, message: wrongWord(value, issue.values), allowed }];
    case 'invalid_type':
      return [value === undefined ? missing(path, allowed) : { path, message: `${place(path)} is of the wrong type`, allowed }];
    case 'invalid_union':
      return [value === undefined ? missing(path, allowed) : { path, message: `${place(path)} is of the wrong type`, allowed }];
    case 'custom':
      return [{ path, message: issue.message, allowed: issue.message.replace(/^give /, '') }];
    case 'too_small':
    case 'too_big':
      return [{ path, message: `${place(path)} is too ${issue.code === 'too_small' ? 'small' : 'large'}`, allowed }];
    default:
      return [{ path, message: `${place(path)} is not in the right form`, allowed }];
  }
}

function unknownField(path: Path, known: Record<string, unknown>, root: unknown): Finding {
  const name = String(path.at(-1));
  const names = Object.keys(known);
  const meant = nearest(name, names);
  return {
    path,
    message: `unknown field ${JSON.stringify(name)}${meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`}`,
    found: `${JSON.stringify(name)} with ${show(valueAt(root, path))}`,
    allowed: names.join(', '),
    at: 'name',
  };
}

function missing(path: Path, allowed: string): Finding {
  return { path, message: `${place(path)} is missing`, found: 'nothing', allowed };
}

function wrongWord(value: unknown, words: readonly unknown[]): string {
  const meant = typeof value === 'string' ? nearest(value, words.map(String)) : null;
  return `it cannot be ${show(value)}${meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`}`;
}

function place(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'the document';
  return typeof last === 'number' ? `item ${last}` : JSON.stringify(last);
}

/** The value at a path, undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
