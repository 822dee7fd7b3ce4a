/**
 * What a reprocessing makes and under which names. Pure.
 *
 * Invariant: a plan is recognised by its fingerprint; tables that were filled under another one are never gone on with.
 */
import { createHash } from 'node:crypto';
import { namesOf, rollupName } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';

/** A table with those that are made from it. */
export interface TableSet {
  schema: string;
  table: string;
  latest: string;
  /** Names of roll-ups by their interval (`1h`). */
  rollups: ReadonlyMap<string, string>;
}

export interface Plan {
  /** The Pipeline's key, `<namespace>/<name>`. */
  pipeline: string;
  /** Key of positions, ledger, touched buckets and owners while the new tables are filled. */
  key: string;
  /** The Pipeline as it will be. */
  wanted: Pipeline;
  /** `wanted` with the key and the table that are filled. */
  shadow: Pipeline;
  /** Epoch ms from which on rows are made anew; null: all are. */
  fromMs: number | null;
  /** The table whose rows are replaced. */
  old: TableSet;
  /** replace: the new tables get the old ones' names; hand over: they keep their own. */
  mode: 'replace' | 'hand over';
  fingerprint: string;
}

/** Longest name of a table that has room for `_latest` and the interval of a roll-up behind it. */
const MAX_TABLE_BYTES = 48;

/** Key under which a reprocessing keeps its books. No pipeline can have such a name. */
export function resetKey(pipeline: string): string {
  return `${pipeline} reset`;
}

/**
 * @param pipeline the corrected spec, with the name of the new table where that is to be another one
 * @param owned tables (without schema) that the Pipeline has now
 * @param rawId topic id of the raw topic: of another one nothing is gone on with
 * @throws Error where it has none
 */
export function planOf(pipeline: Pipeline, fromMs: number | null, owned: readonly string[], rawId: string): Plan {
  const names = namesOf(pipeline);
  const current = owned.filter((name) => owned.includes(`${name}_latest`)).sort((a, b) => a.length - b.length)[0];
  if (current === undefined)
    throw new Error(
      `${names.pipeline} has no table yet, so there is nothing to reprocess; millrace setup or millrace run makes it`,
    );
  const mode = current === names.table ? 'replace' : 'hand over';
  if (mode === 'hand over' && fromMs !== null)
    throw new Error(
      `--from keeps rows of ${names.schema}.${current} as they are, and ${names.table} is another table; allowed is --from with the table of the Pipeline, or another table without --from`,
    );
  const table = mode === 'replace' ? beside(names.table, 'reset') : names.table;
  const { spec, metadata } = pipeline;
  const shadow: Pipeline = {
    ...pipeline,
    metadata: { ...metadata, name: `${metadata.name} reset` },
    spec: { ...spec, table: { ...spec.table, name: table } },
  };
  const made = {
    record: spec.record,
    table: spec.table,
    rollups: spec.rollups,
    source: spec.source.topic,
    topics: spec.topics?.prefix,
  };
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([made, fromMs, current, rawId]))
    .digest('base64url');
  return {
    pipeline: names.pipeline,
    key: resetKey(names.pipeline),
    wanted: pipeline,
    shadow,
    fromMs,
    old: tableSet(names.schema, current, owned),
    mode,
    fingerprint,
  };
}

/** The tables of a Pipeline as its spec has them. */
export function tablesOf(pipeline: Pipeline): TableSet {
  const { schema, table } = namesOf(pipeline);
  return named(
    schema,
    table,
    (pipeline.spec.rollups ?? []).map(({ every }) => every),
  );
}

/** The same tables under the name of another. */
export function renamed(set: TableSet, table: string): TableSet {
  return named(set.schema, table, [...set.rollups.keys()]);
}

function named(schema: string, table: string, intervals: readonly string[]): TableSet {
  const rollups = new Map(intervals.map((every) => [every, rollupName(table, every)]));
  return { schema, table, latest: `${table}_latest`, rollups };
}

/** The tables of a set that are among those that somebody owns. */
export function tableSet(schema: string, table: string, owned: readonly string[]): TableSet {
  const intervals = owned
    .filter((name) => name.startsWith(`${table}_`) && /^\d+[smhdwy]$/.test(name.slice(table.length + 1)))
    .map((name) => name.slice(table.length + 1));
  return named(schema, table, intervals);
}

/** Names of all tables of a set, the one with the rows first. */
export function namesIn({ table, latest, rollups }: TableSet): string[] {
  return [table, latest, ...rollups.values()];
}

/** A name for a table beside another; a long one is cut and told apart by a hash. */
export function beside(table: string, suffix: string): string {
  const whole = `${table}_${suffix}`;
  if (Buffer.byteLength(whole) <= MAX_TABLE_BYTES) return whole;
  const hash = createHash('sha256').update(table).digest('hex').slice(0, 8);
  return `${table.slice(0, MAX_TABLE_BYTES - suffix.length - hash.length - 2)}_${hash}_${suffix}`;
}

/** Names of all tables of a set, with the schema. */
export function shownNames(set: TableSet): string[] {
  return namesIn(set).map((name) => `${set.schema}.${name}`);
}
