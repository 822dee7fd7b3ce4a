/**
 * What the database knows of the topic of newest rows: which rows are not in it yet (`millrace.latest_unsent`, marked by the table's own
 * triggers) and how far it was filled (`millrace.latest_topics`).
 *
 * Invariants:
 * - Marks and rows are read by one statement, so that a row is at least as new as its mark.
 * - Nothing is read from a table that no longer is the Pipeline's, or filled as if from another one's.
 * - A mark is taken away only as it was read; one that somebody is changing at this moment is passed by. No statement waits for
 *   a transaction of a sink, and none holds a lock for longer than it takes.
 */
import { list, literal, quote, table } from '@millrace/core/database/identifier.ts';
import { guarded } from '@millrace/core/guards.ts';
import type { Bounds } from '@millrace/core/kafka/kafka.ts';
import { type Column, sqlType } from '@millrace/core/table/columns.ts';
import { keySql } from '@millrace/setup/latestMarks.ts';
import type { ClientBase } from 'pg';
import type { Texts } from './record.ts';

/** Rows of one transaction of Kafka, and about how many bytes. */
const MOST_ROWS = 1_000;
const MOST_BYTES = 1_048_576;
/** Of JSON, which the database holds packed. */
const UNPACKED = 10;

/** The table of newest rows, and whose it is. */
export interface Kept {
  pipeline: string;
  schema: string;
  name: string;
  columns: readonly Column[];
  by: readonly string[];
}

/** A combination, and its row as it is now. */
export interface Current {
  /** JSON text of the columns that name it. */
  key: string;
  /** null: no such row. */
  texts: Texts | null;
}

export interface Unsent extends Current {
  /** Of its mark. */
  id: Buffer;
  token: string;
}

export interface Standing {
  topicId: string;
  /** Of newest rows, `schema.name`. */
  tableName: string;
  partitions: number;
  /** Another one with each step. */
  token: string;
  isFilled: boolean;
  /** JSON text of the key up to which it is filled. */
  filledTo: string | null;
  /** As they were when they were last looked at; null: not yet. */
  bounds: readonly Bounds[] | null;
}

const STANDING = 'topic_id, table_name, partitions, token, is_filled, filled_to::text AS filled_to, bounds';

interface StandingRow {
  topic_id: string;
  table_name: string;
  partitions: number;
  token: string;
  is_filled: boolean;
  filled_to: string | null;
  bounds: [number, number][] | null;
}

/** null: nothing was sent yet, or the topic was forgotten. */
export async function readStanding(client: ClientBase, pipeline: string): Promise<Standing | null> {
  const { rows } = await client.query<StandingRow>(`SELECT ${STANDING} FROM millrace.latest_topics WHERE pipeline = $1`, [
    pipeline,
  ]);
  return rows[0] === undefined ? null : fromRow(rows[0]);
}

/** From now on this topic is the one that is written to; it is filled from its beginning. */
export async function beginFilling(
  client: ClientBase,
  { pipeline, schema, name }: Kept,
  topic: { id: string; partitions: number },
): Promise<Standing> {
  const { rows } = await client.query<StandingRow>(
    `INSERT INTO millrace.latest_topics (pipeline, topic_id, table_name, partitions) VALUES ($1, $2, $3, $4)
     ON CONFLICT (pipeline) DO UPDATE SET topic_id = EXCLUDED.topic_id, table_name = EXCLUDED.table_name,
       partitions = EXCLUDED.partitions, token = EXCLUDED.token, is_filled = false, filled_to = NULL, bounds = NULL RETURNING ${STANDING}`,
    [pipeline, topic.id, `${schema}.${name}`, topic.partitions],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`millrace.latest_topics did not take the topic of ${pipeline}`);
  return fromRow(row);
}

function fromRow({ topic_id, table_name, partitions, token, is_filled, filled_to, bounds }: StandingRow): Standing {
  return {
    topicId: topic_id,
    tableName: table_name,
    partitions,
    token,
    isFilled: is_filled,
    filledTo: filled_to,
    bounds: bounds?.map(([start, end]) => ({ start, end })) ?? null,
  };
}

/** Whether a log lacks at its beginning or end what it had: cut by an unclean election, or records deleted by hand. Cleaning does neither. */
export function isCut(before: readonly Bounds[], now: readonly Bounds[]): boolean {
  return before.some(({ start, end }, partition) => {
    const found = now[partition];
    return found === undefined || found.end < end || found.start > start;
  });
}

export async function noteBounds(
  client: ClientBase,
  pipeline: string,
  { token }: Standing,
  bounds: readonly Bounds[],
): Promise<void> {
  await client.query(
    'UPDATE millrace.latest_topics SET bounds = $3 WHERE pipeline = $1 AND token = $2 AND bounds IS DISTINCT FROM $3',
    [pipeline, token, JSON.stringify(bounds.map(({ start, end }) => [start, end]))],
  );
}

/** What is marked, the longest waiting first, as much as fits into a transaction. */
export async function readUnsent(client: ClientBase, kept: Kept): Promise<Unsent[]> {
  const sql = bounded(
    kept,
    `FROM (SELECT id, key, token, since FROM millrace.latest_unsent WHERE pipeline = $1 AND ${ownedSql(kept)}
         ORDER BY since, id LIMIT ${MOST_ROWS}) AS marks
       LEFT JOIN ${table(kept.schema, kept.name)} AS kept ON (${kept.by.map((name) => `kept.${quote(name)}`).join(', ')}) = (${valuesOf(kept, 'marks.key')})`,
    ['marks.id AS mark_id', 'marks.token AS mark_token', 'marks.key::text AS row_key'],
    'marks.since, marks.id',
  );
  const { rows } = await client.query<RowRead & { mark_id: Buffer; mark_token: string }>(sql, [kept.pipeline]);
  return rows.map((row) => ({ ...current(row, kept), id: row.mark_id, token: row.mark_token }));
}

/** Rows behind a key in the order of keys, as much as fits into a transaction; none: there are no more. */
export async function readNext(client: ClientBase, kept: Kept, after: string | null): Promise<Current[]> {
  const behind = after === null ? '' : `AND (${list(kept.by)}) > (${valuesOf(kept, '$1::jsonb')})`;
  const sql = bounded(
    kept,
    `FROM (SELECT * FROM ${table(kept.schema, kept.name)} WHERE ${ownedSql(kept)} ${behind} ORDER BY ${list(kept.by)} LIMIT ${MOST_ROWS}) AS kept`,
    [`${keySql(kept.by)}::text AS row_key`],
    list(kept.by),
  );
  const { rows } = await client.query<RowRead>(sql, after === null ? [] : [after]);
  return rows.map((row) => current(row, kept));
}

/** Whether the table still is the Pipeline's: `millrace reset` may have handed it over to another one since the sink looked. */
function ownedSql({ pipeline, schema, name }: Kept): string {
  return `EXISTS (SELECT FROM millrace.owners WHERE kind = 'table' AND name = ${literal(`${schema}.${name}`)} AND pipeline = ${literal(pipeline)})`;
}

interface RowRead extends Record<string, unknown> {
  row_key: string;
  is_there: boolean;
}

/** Rows as texts c0, c1 …, whose sum of bytes is bounded; at least one. */
function bounded({ columns }: Kept, from: string, more: readonly string[], order: string): string {
  const texts = columns.map(({ name }, index) => `kept.${quote(name)}::text AS c${index}`);
  const bytes = columns.map(({ name, type }) => {
    if (type === 'text') return `coalesce(octet_length(kept.${quote(name)}), 0)`;
    return type === 'json' ? `coalesce(pg_column_size(kept.${quote(name)}) * ${UNPACKED}, 0)` : '16';
  });
  return `SELECT * FROM (
      SELECT ${[...more, ...texts].join(', ')}, kept.time IS NOT NULL AS is_there,
             row_number() OVER so_far AS nth, sum(${bytes.join(' + ')}) OVER so_far AS bytes
        ${from} WINDOW so_far AS (ORDER BY ${order})) AS found
    WHERE nth = 1 OR bytes <= ${MOST_BYTES} ORDER BY nth`;
}

/** SQL of the columns' values in a key. */
function valuesOf({ by, columns }: Kept, key: string): string {
  return by
    .map((name) => {
      const type = columns.find((column) => column.name === name)?.type ?? 'text';
      return `(${key}->>${literal(name)})::${sqlType(type)}`;
    })
    .join(', ');
}

function current(row: RowRead, { columns }: Kept): Current {
  return {
    key: row.row_key,
    texts: row.is_there ? columns.map((_, index) => (row[`c${index}`] ?? null) as string | null) : null,
  };
}

/** Takes the marks away that are still as they were read. */
export async function settle(client: ClientBase, pipeline: string, sent: readonly Unsent[]): Promise<void> {
  await client.query(
    `DELETE FROM millrace.latest_unsent AS gone USING (
       SELECT marks.id FROM millrace.latest_unsent AS marks JOIN unnest($2::bytea[], $3::uuid[]) AS sent (id, token) ON sent.id = marks.id
        WHERE marks.pipeline = $1 ${guarded('unmarked-as-sent') ? 'AND marks.token = sent.token' : ''}
        ORDER BY marks.id FOR UPDATE OF marks SKIP LOCKED) AS settled
     WHERE gone.pipeline = $1 AND gone.id = settled.id`,
    [pipeline, sent.map(({ id }) => id), sent.map(({ token }) => token)],
  );
}

/** Notes how far the topic is filled. null: somebody else has moved it since, or it is to be filled anew. */
export async function advanceFilling(
  client: ClientBase,
  pipeline: string,
  seen: Standing,
  filledTo: string | null,
  isFilled: boolean,
): Promise<Standing | null> {
  const { rows } = await client.query<StandingRow>(
    `UPDATE millrace.latest_topics SET filled_to = $3, is_filled = $4, token = gen_random_uuid()
      WHERE pipeline = $1 AND token = $2 RETURNING ${STANDING}`,
    [pipeline, seen.token, filledTo, isFilled],
  );
  return rows[0] === undefined ? null : fromRow(rows[0]);
}

export interface Waiting {
  /** At most `MOST_COUNTED`. */
  combinations: number;
  /** How long the first of them has waited. */
  oldestSeconds: number;
}

const MOST_COUNTED = 100_000;

export async function readWaiting(client: ClientBase, pipeline: string): Promise<Waiting> {
  const { rows } = await client.query(
    `SELECT (SELECT count(*) FROM (SELECT FROM millrace.latest_unsent WHERE pipeline = $1 LIMIT ${MOST_COUNTED}) AS counted) AS combinations,
            (SELECT extract(epoch FROM clock_timestamp() - min(since)) FROM millrace.latest_unsent WHERE pipeline = $1) AS oldest`,
    [pipeline],
  );
  return { combinations: Number(rows[0]?.combinations), oldestSeconds: Math.max(0, Number(rows[0]?.oldest ?? 0)) };
}
