/** The reference page of the Pipeline resource, made from its schema: every field, what is allowed, default, description. */
import { SIGNATURES } from '../cel/explain.ts';
import { allowedText } from './allowed.ts';
import { DEFAULTS, type Default } from './defaults.ts';
import { editorSchema, type JsonSchema, walk } from './jsonSchema.ts';
import { UNBUILT } from './unbuilt.ts';

export interface Example {
  title: string;
  yaml: string;
}

/** Tables of the page. A field stands in the one with the longest path that it is below. */
const TABLES = [
  '',
  'metadata',
  'spec',
  'spec.source',
  'spec.source.replay',
  'spec.source.simulator',
  'spec.source.http',
  'spec.source.mqtt',
  'spec.source.topic',
  'spec.topics',
  'spec.record',
  'spec.record.fields.*',
  'spec.record.derive.*',
  'spec.record.where.*',
  'spec.table',
  'spec.rollups.*',
  'spec.scale',
  'spec.alerts',
  'spec.resources',
];

/** Functions over types that no column has, and the macros, which stand in the text. */
const OF_NO_COLUMN = /\bast\b|\buint\b|bytes|\bdyn\b(?!>)|type/;

interface Field {
  path: string;
  schema: JsonSchema;
  required: boolean;
}

/** The page as Markdown; pure. */
export function referencePage(examples: readonly Example[]): string {
  const fields = [...walk(editorSchema())].map(({ path, schema, required }) => ({ path: path.join('.'), schema, required }));
  return [
    HEAD,
    ...examples.map(({ title, yaml }) => `### ${title}\n\n\`\`\`yaml\n${yaml.trim()}\n\`\`\`\n`),
    '## Fields\n',
    ...TABLES.map((table) => tableText(table, fields)),
    TAIL,
    `${list(SIGNATURES.filter((signature) => !OF_NO_COLUMN.test(signature)))}\n`,
    "Loops over a list: `all`, `exists`, `exists_one`, `map` and `filter`, such as `['OK', 'ON'].exists(word, status.contains(word))`; not one inside another.\n",
  ].join('\n');
}

function tableText(table: string, fields: readonly Field[]): string {
  const rows = fields.filter(({ path }) => tableOf(path) === table).map((field) => rowText(table, field));
  const title = table === '' ? 'The resource' : `\`${shownPath(table)}\``;
  return [
    `### ${title}\n`,
    '| field | allowed | required | default | description |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function tableOf(path: string): string {
  return TABLES.filter((table) => table === '' || path.startsWith(`${table}.`)).reduce((longest, table) =>
    table.length > longest.length ? table : longest,
  );
}

function rowText(table: string, { path, schema, required }: Field): string {
  const name = shownPath(table === '' ? path : path.slice(table.length + 1));
  const unbuilt = UNBUILT.find((entry) => entry.path.join('.') === path);
  const note = unbuilt ? '. **Not built yet.**' : '';
  const cells = [
    `\`${name}\``,
    shortAllowed(schema),
    required ? 'yes' : '',
    defaultText(DEFAULTS[path]),
    `${schema.description ?? ''}${note}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`;
}

/** `fields.*.type` as `fields.<name>.type`, `derive.*.cel` as `derive[].cel`. */
function shownPath(path: string): string {
  return path.replace(/fields\.\*/, 'fields.<name>').replaceAll('.*', '[]');
}

function shortAllowed(schema: JsonSchema): string {
  if (schema.title) return `a [${schema.title}](#${schema.title}s)`;
  if (schema.type === 'object') return schema.propertyNames ? 'an object of names' : 'an object';
  if (schema.type !== 'array') return allowedText(schema);
  const items = schema.items?.title
    ? `a [${schema.items.title}](#${schema.items.title}s)`
    : schema.items?.type === 'object'
      ? 'an object'
      : null;
  return items === null ? allowedText(schema) : allowedText({ ...schema, items: {} }).replace('anything', items);
}

function defaultText(value: Default | undefined): string {
  if (value === undefined) return '';
  if ('words' in value) return value.words;
  return `\`${typeof value.value === 'string' ? value.value : JSON.stringify(value.value)}\``;
}

function list(items: readonly string[]): string {
  return items.map((item) => `- \`${item}\``).join('\n');
}

const HEAD = `<!-- Made by \`npm run docs\` from services/core/src/spec. Change that, not this. -->

# The Pipeline resource

One file says where records come from, what a row is, and where it is stored. \`millrace validate FILE\` checks it, \`millrace run FILE\` runs it.
A file may hold several Pipelines, separated by \`---\`; YAML 1.2 or JSON, at most 1 MiB. What is wrong is said with file, line, path, what was found and what is allowed, all at once. A field that is not in the tables below is refused.

For completion and checks in an editor, put this into the first line (or a path to [the schema](pipeline.schema.json)):

    # yaml-language-server: $schema=docs/reference/pipeline.schema.json

## Examples
`;

const TAIL = `## Names

Names of fields, columns, tables and filters are letters, digits and \`_\`, do not start with a digit or with \`__\`, and are at most 59 long. A field of type \`point\` named \`place\` becomes the columns \`place_lat\` and \`place_lon\`. The columns \`time\`, \`extra\` and \`_appended_ms\` are kept for Millrace.

Topics are \`<namespace>.<name>.raw\`, \`.processed\` and \`.dlq\`; the table stands in the schema named after the namespace, beside \`<table>_latest\` (the newest row of each key) and \`<table>_<every>\` for each roll-up.

## Durations

A whole number from 1 and a unit: \`s\`, \`m\`, \`h\`, \`d\`, \`w\` (7 days) or \`y\` (365 days). \`90s\`, \`7d\`.

## Expressions

\`derive\` and \`where\` are written in [CEL](https://cel.dev). They are checked against the types of the columns when the file is loaded: a column that does not exist or a wrong type is an error then, not a surprise at night. An expression sees \`time\`, all fields (a point as \`<name>_lat\` and \`<name>_lon\`) and what was derived before it; \`where\` sees all columns. \`extra\` cannot be used.

| column | in an expression |
| --- | --- |
| text | text: \`'OK'\`, \`"OK"\` |
| int | a whole number of 64 bits; an overflow and a division by zero are errors |
| float | a number; whole numbers go with it: \`speed > 10\`, \`3.5 * 2\` |
| bool | \`true\`, \`false\` |
| time | a time with milliseconds; one that is passed on unchanged keeps all its digits |

**No value (null).** A derived column is null when one of the columns in its expression is, unless the expression tests for it with \`== null\` or \`!= null\`: \`status == null ? 'none' : status\`. In \`where\`, a comparison with null is false, except \`!=\`: \`status != 'REMOVED'\` keeps a record without status, \`speed < 10\` drops one without speed. Functions and arithmetic of null give null; \`!\`, \`&&\`, \`||\` and \`?:\` of null follow the three-valued logic of SQL, and a filter that comes out null is not true.

**Errors.** A record for which an expression has no value (division by zero, overflow, \`int('x')\`) goes to the DLQ with the reason.

The pattern of \`matches\` must stand in the expression itself. As CEL has it, \`getMonth\`, \`getDayOfMonth\`, \`getDayOfWeek\` and \`getDayOfYear\` count from 0, \`getDate\` from 1; their argument is a zone such as \`'America/Chicago'\`. Functions and methods:
`;
