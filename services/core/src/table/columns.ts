/**
 * The columns of a Pipeline's table: what the processor writes into a processed record, what the sink copies and what
 * setup creates. One list, so that the three never differ.
 */

import type { Pipeline } from '../spec/pipeline.ts';
import type { FieldType } from '../spec/record.ts';

export type ColumnType = Exclude<FieldType, 'point'> | 'json';

export interface Column {
  name: string;
  type: ColumnType;
  /** The database refuses a row without it. */
  required: boolean;
  unit?: string;
}

export const TIME_COLUMN = 'time';
/** Epoch nanoseconds of the same time, where the spec asks for it: PostgreSQL's times end at the microsecond. */
export const TIME_NS_COLUMN = 'time_ns';
export const EXTRA_COLUMN = 'extra';
/** Append time of the raw record (epoch ms), kept only where `unique` must know which row came last. */
export const APPENDED_COLUMN = '_appended_ms';

const SQL_TYPES: Record<ColumnType, string> = {
  text: 'text',
  int: 'bigint',
  float: 'double precision',
  bool: 'boolean',
  time: 'timestamptz',
  json: 'jsonb',
};

export function sqlType(type: ColumnType): string {
  return SQL_TYPES[type];
}

/** Columns in table order: time, time_ns, fields (a point becomes two), derived, extra. The names are unique in a loaded spec. */
export function columnsOf(pipeline: Pipeline): Column[] {
  const { record, table } = pipeline.spec;
  const columns: Column[] = [{ name: TIME_COLUMN, type: 'time', required: true }];
  if (record.time.nanoseconds) columns.push({ name: TIME_NS_COLUMN, type: 'int', required: true, unit: 'ns' });
  for (const [name, field] of Object.entries(record.fields)) {
    const required = field.required === true;
    if (field.type === 'point') {
      columns.push({ name: `${name}_lat`, type: 'float', required }, { name: `${name}_lon`, type: 'float', required });
    } else {
      columns.push({ name, type: field.type, required, ...(field.unit === undefined ? {} : { unit: field.unit }) });
    }
  }
  for (const { name, type, unit } of record.derive ?? []) {
    columns.push({ name, type, required: false, ...(unit === undefined ? {} : { unit }) });
  }
  if (table.extra) columns.push({ name: EXTRA_COLUMN, type: 'json', required: false });
  return columns;
}

/** The columns of `table.unique`, or null where every row is kept (absent or `{}`). */
export function uniqueOf(pipeline: Pipeline): { columns: string[]; keep: 'last' | 'first' } | null {
  const unique = pipeline.spec.table.unique;
  return unique?.columns ? { columns: unique.columns, keep: unique.keep ?? 'last' } : null;
}
