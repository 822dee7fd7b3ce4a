/** What the service says of itself: OpenAPI 3.1 and a page for people, made from the Pipelines that it serves. Pure. */
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Field } from '@millrace/core/spec/record.ts';

type Schema = Record<string, unknown>;

/** One path: what is sent to it, and by whom. */
export interface Operation {
  pipeline: string;
  summary: string;
  secured: boolean;
  maxBodyBytes: number;
  /** Of one object. */
  schema: Schema;
}

const TYPES: Record<Field['type'], Schema> = {
  text: { type: 'string' },
  int: { type: 'integer' },
  float: { type: 'number' },
  bool: { type: 'boolean' },
  time: { type: ['string', 'number'] },
  point: { type: 'string', description: 'WKT such as POINT (-97.7 30.2)' },
};

const READINGS: Schema = {
  type: 'array',
  minItems: 1,
  items: {
    type: 'object',
    required: ['name', 'time'],
    properties: {
      name: { type: 'string', description: 'the sensor' },
      time: { type: ['integer', 'string'], description: 'nanoseconds since 1970' },
      values: { type: 'object' },
      accuracy: { type: ['integer', 'string'] },
    },
  },
};

/** Of one object that devices of this Pipeline send. */
export function schemaOf({ spec: { record } }: Pipeline): Schema {
  if (record.decode === 'sensor-logger') {
    return {
      type: 'object',
      description: 'A push of Sensor Logger; sensors is taken in place of payload',
      required: ['deviceId', 'payload'],
      properties: {
        deviceId: { type: 'string' },
        sessionId: { type: 'string' },
        messageId: { type: 'integer' },
        payload: READINGS,
      },
    };
  }
  const fields = Object.entries(record.fields).flatMap(([name, field]): [string, Schema, boolean][] => {
    const [path = name] = [field.from ?? name].flat();
    const { type, unit, min, max, enum: words, required = false } = field;
    const rules = { ...(min === undefined ? {} : { minimum: min }), ...(max === undefined ? {} : { maximum: max }) };
    return [[path, { ...TYPES[type], ...rules, ...(words && { enum: words }), ...(unit && { description: unit }) }, required]];
  });
  const [time = 'time'] = [record.time.field].flat();
  const all: [string, Schema, boolean][] = [[time, TYPES.time, true], ...fields];
  return {
    type: 'object',
    description: 'A name with points stands for objects one in another: values.x is x in values',
    required: all.flatMap(([path, , required]) => (required ? [path] : [])),
    properties: Object.fromEntries(all.map(([path, schema]) => [path, schema])),
  };
}

const ERROR: Schema = {
  type: 'object',
  required: ['error'],
  properties: { error: { type: 'string' }, field: { type: 'string' } },
};

const CODES: Record<string, string> = {
  400: 'nothing in it could become a row; field names what is wrong',
  401: 'no bearer token',
  403: 'a wrong bearer token',
  413: 'too large',
  415: 'another content type or encoding',
  429: 'too fast: send it again after Retry-After seconds',
  503: 'not stored: send it again after Retry-After seconds',
};

export function openApiOf(operations: ReadonlyMap<string, Operation>): Schema {
  const failures = Object.entries(CODES).map(([code, description]) => [
    code,
    { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
  ]);
  const paths = [...operations].map(([path, { pipeline, summary, secured, schema, maxBodyBytes }]) => [
    path,
    {
      post: {
        summary,
        description: `Answers once Kafka has all of it. A body has at most ${maxBodyBytes} bytes, unpacked; gzip is taken.`,
        tags: [pipeline],
        ...(secured ? { security: [{ bearer: [] }] } : {}),
        requestBody: {
          required: true,
          content: {
            'application/json': { schema: { oneOf: [schema, { type: 'array', minItems: 1, items: schema }] } },
            'application/x-ndjson': { schema: { type: 'string', description: 'one such object a line' } },
          },
        },
        responses: {
          200: {
            description: 'stored in Kafka, so that it is not lost any more',
            content: { 'application/json': { schema: { type: 'object', properties: { records: { type: 'integer' } } } } },
          },
          ...Object.fromEntries(failures),
        },
      },
    },
  ]);
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version: '1', description: 'Readings of devices, each answered once it cannot be lost any more' },
    paths: Object.fromEntries(paths),
    components: { schemas: { Error: ERROR }, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}

/** For a browser. */
export function pageOf(operations: ReadonlyMap<string, Operation>): string {
  const rows = [...operations].map(
    ([path, { pipeline, summary, secured, schema }]) =>
      `<tr><td><code>POST ${escaped(path)}</code><td>${escaped(pipeline)}<td>${escaped(summary)}<td>${secured ? 'bearer token' : 'open'}</tr>
<tr><td colspan="4"><details><summary>What one object holds</summary><pre>${escaped(JSON.stringify(schema, null, 2))}</pre></details></tr>`,
  );
  const codes = Object.entries(CODES).map(([code, text]) => `<li><code>${code}</code> ${escaped(text)}`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Millrace</title>
<style>body{font:16px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td{padding:.3em 1em .3em 0;vertical-align:top}</style>
<h1>Millrace takes readings here</h1>
<p>As <code>application/json</code> (an object, or an array of objects) or <code>application/x-ndjson</code>; also with
<code>content-encoding: gzip</code>. The answer is 200 once Kafka has all of it. <a href="/openapi.json">OpenAPI</a></p>
<table>${rows.join('\n')}</table>
<p>Otherwise:</p><ul>${codes.join('\n')}</ul></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
