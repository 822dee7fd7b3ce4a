/** A bad input as an entry of a table: what stands in a file, and what must become of each of its records. */
import type { Pipeline, PipelineSpec } from '@millrace/core/spec/pipeline.ts';

/** Why a record was refused: the countable word, a part of the sentence, and the bytes that must be kept. */
export type Refused = readonly [reason: string, message: string, bytes?: string | Buffer];

export interface BadInput {
  /** What a user fears: the name of the test. */
  fear: string;
  /** Its name tells the format. */
  file: string;
  bytes: string | Buffer;
  /** Values that another writer has put into the raw topic before. */
  foreign?: readonly (Buffer | null)[];
  /** Over the spec below. */
  record?: Partial<PipelineSpec['record']>;
  /** Over `{ name: <the Pipeline's> }`. */
  table?: Partial<PipelineSpec['table']>;
  rollups?: PipelineSpec['rollups'];
  /** Every row as PostgreSQL shows it: columns in the order of the spec, `∅` for NULL, joined by `|`. In any order. */
  rows: readonly string[];
  /** In the order of the file. */
  refused?: readonly Refused[];
  /** Part of what the producer says where the file cannot be read further; left out: it is read to its end. */
  stops?: string;
}

export const AT = '2024-01-01T00:00:00Z';
const AT_SHOWN = '2024-01-01 00:00:00+00';

/** A row of the default spec at `AT`. */
export const row = (...values: readonly unknown[]): string => [AT_SHOWN, ...values].join('|');

/** A csv with the columns of the default spec, and lines of id and value. */
export const csv = (...lines: readonly string[]): string =>
  ['at,id,value', ...lines.map((line) => `${AT},${line}`), ''].join('\n');

/** A JSON text of the default spec; `members` as they are to stand there. */
export const json = (members: string): string => `{"at":"${AT}",${members}}`;

export const lines = (...texts: readonly string[]): string => `${texts.join('\n')}\n`;

/** The Pipeline of an entry: text `id` (the key) and float `value` at time `at`, unless it says more. */
export function pipelineOf({ file, record, table, rollups }: BadInput, name: string): Pipeline {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source: { replay: { path: `${name}/${file}` } },
      topics: { partitions: 1 },
      record: {
        key: 'id',
        time: { field: 'at' },
        fields: { id: { type: 'text', required: true }, value: { type: 'float' } },
        ...record,
      },
      table: { name: name.replaceAll('-', '_'), ...table },
      ...(rollups === undefined ? {} : { rollups }),
    },
  };
}
