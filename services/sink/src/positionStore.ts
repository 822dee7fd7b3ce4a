/** Reads and writes `millrace.positions`: the row of one pipeline and processed partition. */
import { literal } from '@millrace/core/database/identifier.ts';
import { guarded } from '@millrace/core/guards.ts';
import type { ClientBase } from 'pg';
import type { Origins, StoredPosition } from './position.ts';

interface PositionRow {
  version: string;
  writer: string;
  next_offset: string | null;
  topic_id: string | null;
  bookmark_ms: string | null;
  bookmark_origin: string | null;
  origins: Record<string, [offset: number, index: number, version: number]>;
}

const SELECT = `SELECT version, writer, next_offset, topic_id, bookmark_ms, bookmark_origin, origins
  FROM millrace.positions WHERE pipeline = $1 AND partition = $2`;

/** The stored position; makes the row where there is none, so that it exists before the first race for it. */
export async function readPosition(client: ClientBase, pipeline: string, partition: number): Promise<StoredPosition> {
  const found = await client.query<PositionRow>(SELECT, [pipeline, partition]);
  if (found.rows[0] !== undefined) return fromRow(found.rows[0]);
  await client.query('INSERT INTO millrace.positions (pipeline, partition) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    pipeline,
    partition,
  ]);
  const made = await client.query<PositionRow>(SELECT, [pipeline, partition]);
  if (made.rows[0] === undefined) throw new Error(`millrace.positions has no row for ${pipeline} partition ${partition}`);
  return fromRow(made.rows[0]);
}

/** SQL that moves the position from `seen` to `after`; fails with SQLSTATE MR001 where it is no longer as seen. */
export function advanceSql(pipeline: string, partition: number, seen: StoredPosition, after: StoredPosition): string {
  const { next, topicId, bookmark, origins, writer } = after;
  if (next === null || topicId === null || bookmark === null) throw new Error('a position after a batch is never empty');
  /** What stands there now, whatever this sink saw. */
  const standing = (column: string): string =>
    `(SELECT ${column} FROM millrace.positions WHERE pipeline = ${literal(pipeline)} AND partition = ${partition})`;
  const isCompared = guarded('position-compare');
  const values = [
    literal(pipeline),
    `${partition}`,
    isCompared ? `${seen.version}` : standing('version'),
    isCompared && guarded('position-writer') ? `${literal(seen.writer)}::uuid` : standing('writer'),
    `${literal(writer)}::uuid`,
    `${next}`,
    literal(topicId),
    `${bookmark.timestampMs}`,
    literal(bookmark.origin),
    `${literal(originsJson(origins))}::jsonb`,
  ];
  return `SELECT millrace.advance(${values.join(', ')})`;
}

function originsJson(origins: Origins): string {
  return JSON.stringify(
    Object.fromEntries([...origins].map(([id, { offset, index, version }]) => [id, [offset, index, version]])),
  );
}

function fromRow(row: PositionRow): StoredPosition {
  const entries = Object.entries(row.origins);
  return {
    version: Number(row.version),
    writer: row.writer,
    next: row.next_offset === null ? null : Number(row.next_offset),
    topicId: row.topic_id,
    bookmark:
      row.bookmark_ms === null || row.bookmark_origin === null
        ? null
        : { timestampMs: Number(row.bookmark_ms), origin: row.bookmark_origin },
    origins: new Map(entries.map(([id, [offset, index, version]]) => [id, { offset, index, version }])),
  };
}
