/** What the database should hold for a Pipeline, as plain values: the pure half of set-up. */
import { MAX_NAME_BYTES } from '@millrace/core/database/identifier.ts';
import { DEFAULT_CHUNK } from '@millrace/core/spec/defaults.ts';
import { durationMs } from '@millrace/core/spec/duration.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { APPENDED_COLUMN, columnsOf, sqlType, TIME_COLUMN, uniqueOf } from '@millrace/core/table/columns.ts';
import { type Latest, latestOf } from '@millrace/core/table/latest.ts';
import { type Rollup, rollupsOf } from '@millrace/core/table/rollup.ts';
import { SetupRefused } from './refused.ts';

export interface WantedColumn {
  name: string;
  /** As SQL writes it. */
  type: string;
  notNull: boolean;
  comment: string | null;
  /** For rows that are there already when the column is added; none: NULL. */
  backfill?: string;
}

export interface Compression {
  afterMs: number;
  segmentBy: string;
  /** SQL of the order within a segment. */
  orderBy: string[];
}

export interface Model {
  pipeline: string;
  schema: string;
  table: string;
  latest: string;
  key: string;
  /** What the latest table keeps. */
  kept: Latest;
  columns: WantedColumn[];
  latestColumns: WantedColumn[];
  /** null: every row is kept. */
  unique: string[] | null;
  rollups: Rollup[];
  chunkMs: number;
  retainMs: number | null;
  compression: Compression | null;
}

function refuse(reason: string, message: string): never {
  throw new SetupRefused('SchemaReady', reason, message);
}

function checkNames(model: Model): void {
  const names = [model.table, model.latest, ...model.rollups.map(({ name }) => name)];
  for (const [index, name] of names.entries()) {
    if (Buffer.byteLength(name) > MAX_NAME_BYTES)
      refuse(
        'NameTooLong',
        `The table ${JSON.stringify(name)} would have a name of ${name.length} bytes; PostgreSQL allows ${MAX_NAME_BYTES}. Shorten spec.table.name`,
      );
    if (names.indexOf(name) !== index)
      refuse('NameTwice', `The Pipeline asks for two tables named ${JSON.stringify(name)}; give each roll-up its own "every"`);
  }
}

function checkRollups(model: Model): void {
  const columns = model.columns.map(({ name }) => name);
  for (const rollup of model.rollups) {
    // A continuous aggregate's refresh window holds two whole buckets before the running one and stays inside the
    // table's retention; the same spec has to work with and without TimescaleDB.
    if (model.retainMs !== null && model.retainMs < 3 * rollup.everyMs)
      refuse(
        'RetainTooShort',
        `spec.table.retain is ${model.retainMs / 1000} s, the roll-up ${rollup.name} has buckets of ${rollup.everyMs / 1000} s; keep rows for at least three buckets`,
      );
    for (const name of rollup.by)
      if (!columns.includes(name))
        refuse('ColumnUnknown', `The roll-up ${rollup.name} is by ${JSON.stringify(name)}; the table has ${columns.join(', ')}`);
  }
}

function checkUnique(model: Model): void {
  if (model.unique === null) return;
  const columns = model.columns.map(({ name }) => name);
  for (const name of model.unique)
    if (!columns.includes(name))
      refuse('ColumnUnknown', `spec.table.unique.columns names ${JSON.stringify(name)}; the table has ${columns.join(', ')}`);
  if (!model.unique.includes(TIME_COLUMN))
    refuse(
      'UniqueWithoutTime',
      `spec.table.unique.columns is ${model.unique.join(', ')}; it must have ${JSON.stringify(TIME_COLUMN)} among them, since a hypertable is split by time`,
    );
}

/** What the database should hold. @throws SetupRefused naming what cannot be, and what is allowed. */
export function modelOf(pipeline: Pipeline): Model {
  const names = namesOf(pipeline);
  const { record, table } = pipeline.spec;
  const unique = uniqueOf(pipeline)?.columns ?? null;
  const kept = latestOf(pipeline);
  const columns: WantedColumn[] = columnsOf(pipeline).map(({ name, type, required, unit }) => ({
    name,
    type: sqlType(type),
    notNull: required,
    comment: unit === undefined ? null : `unit: ${unit}`,
  }));
  if (unique) {
    // 0 stands before every append time: rows from before `unique` was asked for give way to any later one.
    columns.push({
      name: APPENDED_COLUMN,
      type: 'bigint',
      notNull: true,
      comment: 'append time of the raw record, epoch ms',
      backfill: '0',
    });
  }
  const segmentBy = table.compress?.by ?? record.key;
  const model: Model = {
    pipeline: names.pipeline,
    schema: names.schema,
    table: names.table,
    latest: names.latestTable,
    key: record.key,
    columns,
    kept,
    latestColumns: columns.map((column) => ({
      ...column,
      notNull: kept.by.includes(column.name) || column.name === TIME_COLUMN,
    })),
    unique,
    rollups: rollupsOf(pipeline),
    chunkMs: durationMs(table.chunk ?? DEFAULT_CHUNK),
    retainMs: table.retain === undefined ? null : durationMs(table.retain),
    compression: table.compress
      ? { afterMs: durationMs(table.compress.after), segmentBy, orderBy: orderWithin(segmentBy, unique ?? []) }
      : null,
  };
  for (const [what, name] of [
    ['record.key', record.key],
    ['table.compress.by', segmentBy],
  ])
    if (!columns.some((column) => column.name === name))
      refuse(
        'ColumnUnknown',
        `spec.${what} is ${JSON.stringify(name)}; the table has ${columns.map((column) => column.name).join(', ')}`,
      );
  checkNames(model);
  checkRollups(model);
  checkUnique(model);
  return model;
}

/** TimescaleDB wants every column of a unique index among those that a compressed chunk is segmented or ordered by. */
function orderWithin(segmentBy: string, unique: readonly string[]): string[] {
  return [...unique.filter((name) => name !== segmentBy && name !== TIME_COLUMN), TIME_COLUMN];
}
