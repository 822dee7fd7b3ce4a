/** What a table, view or index looks like in the database now. */
import { table as tableName } from '@millrace/core/database/identifier.ts';
import type { Session } from './session.ts';

export interface FoundColumn {
  name: string;
  /** In PostgreSQL's own spelling, such as `timestamp with time zone`. */
  type: string;
  notNull: boolean;
  comment: string | null;
}

export interface Relation {
  kind: 'table' | 'view' | 'other';
  columns: FoundColumn[];
}

/** Columns of a table's primary key; none where there is no such table, or key. */
export async function primaryKeyOf(session: Session, schema: string, name: string): Promise<string[]> {
  const { rows } = await session.query(
    `SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])
      WHERE i.indrelid = to_regclass($1) AND i.indisprimary`,
    [tableName(schema, name)],
  );
  return rows.map((row) => String(row.name));
}

/** Reads a relation; null where there is none of that name. */
export async function readRelation(session: Session, schema: string, name: string): Promise<Relation | null> {
  const { rows } = await session.query(
    `SELECT c.relkind, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull,
            col_description(c.oid, a.attnum) AS comment
       FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE n.nspname = $1 AND c.relname = $2
      ORDER BY a.attnum`,
    [schema, name],
  );
  const first = rows[0];
  if (!first) return null;
  return {
    kind: first.relkind === 'r' || first.relkind === 'p' ? 'table' : first.relkind === 'v' ? 'view' : 'other',
    columns: rows
      .filter((row) => row.attname !== null)
      .map((row) => ({
        name: String(row.attname),
        type: String(row.type),
        notNull: row.attnotnull === true,
        comment: row.comment === null ? null : String(row.comment),
      })),
  };
}

/** PostgreSQL's own spelling of each type, such as `timestamp with time zone` for `timestamptz`. */
export async function spelled(session: Session, types: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await session.query('SELECT t AS type, t::regtype::text AS spelled FROM unnest($1::text[]) AS t', [
    [...new Set(types)],
  ]);
  return new Map(rows.map((row) => [String(row.type), String(row.spelled)]));
}

/** The columns of an index in order; null where there is none of that name. */
export async function readIndex(session: Session, schema: string, name: string): Promise<string[] | null> {
  const { rows } = await session.query(
    `SELECT (SELECT array_agg(a.attname::text ORDER BY k.n)
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
               JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) AS names
       FROM pg_index i WHERE i.indexrelid = to_regclass($1)`,
    [tableName(schema, name)],
  );
  const names = rows[0]?.names;
  return Array.isArray(names) ? names.map(String) : null;
}

export async function hasRows(session: Session, schema: string, name: string): Promise<boolean> {
  const { rows } = await session.query(`SELECT EXISTS (SELECT FROM ${tableName(schema, name)}) AS found`);
  return rows[0]?.found === true;
}
