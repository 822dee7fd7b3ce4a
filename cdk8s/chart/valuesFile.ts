/** values.yaml: every default, with what it is above it; what is optional as a comment. */
import { NAMESPACE, VALUES, type ValueSchema } from './schema.ts';

const HEAD = `# What can be set, with the defaults. values.schema.json refuses what is not here and what has another form.
# Made from cdk8s/platform/values.ts by \`npm run docs\`.
`;

/** @throws Error for a value that does not say what it is */
export function valuesFile(): string {
  const required = (VALUES.required ?? []).filter((name) => name !== NAMESPACE);
  return `${HEAD}\n${members({ ...VALUES, required }, { [NAMESPACE]: " the release's" }).join('\n')}\n`;
}

/** @param said in the place of a default */
function members({ properties = {}, required = [] }: ValueSchema, said: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const lines = [
      `${name}:${said[name] ?? defaultOf(schema)}`,
      ...(schema.properties ? members(schema).map((line) => `  ${line}`) : []),
    ];
    return [`# ${describe(name, schema)}`, ...lines.map((line) => (required.includes(name) ? line : `# ${line}`))];
  });
}

function defaultOf({ properties, default: value }: ValueSchema): string {
  return properties || value === undefined ? '' : ` ${JSON.stringify(value)}`;
}

function describe(name: string, { description, enum: words, anyOf }: ValueSchema): string {
  if (description === undefined) throw new Error(`the value ${name} has no description (cdk8s/platform/values.ts)`);
  const choices = words ?? anyOf?.map(({ const: only }) => only);
  return choices ? `${description} (${choices.join(' or ')})` : description;
}
