/** Renames and removes tables with what hangs on them: indexes, grants, roll-ups of either kind. */
import { quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { indexName } from '@millrace/setup/indexName.ts';
import type { Session } from '@millrace/setup/session.ts';
import { namesIn, type TableSet } from './plan.ts';

type Kind = 'TABLE' | 'MATERIALIZED VIEW';

/** A roll-up is a table, or with TimescaleDB a continuous aggregate, which looks like a view. null: there is none. */
export async function kindOf(session: Session, schema: string, name: string): Promise<Kind | null> {
  const { rows } = await session.query('SELECT relkind FROM pg_class WHERE oid = to_regclass($1)', [tableName(schema, name)]);
  const kind = rows[0]?.relkind;
  if (kind === undefined) return null;
  return kind === 'v' ? 'MATERIALIZED VIEW' : 'TABLE';
}

/** Gives all tables of a set the names of another, and their indexes those that set-up looks for. */
export async function renameSet(session: Session, from: TableSet, to: TableSet): Promise<void> {
  const pairs: [string, string][] = [
    [from.table, to.table],
    [from.latest, to.latest],
  ];
  for (const [every, name] of from.rollups) {
    const other = to.rollups.get(every);
    if (other !== undefined) pairs.push([name, other]);
  }
  for (const [name, other] of pairs) {
    const kind = await kindOf(session, from.schema, name);
    if (kind === null) continue;
    await renameIndexes(session, from.schema, name, other);
    await session.query(`ALTER ${kind} ${tableName(from.schema, name)} RENAME TO ${quote(other)}`);
  }
}

async function renameIndexes(session: Session, schema: string, name: string, other: string): Promise<void> {
  const { rows } = await session.query(
    `SELECT i.relname AS index, (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = x.indrelid AND a.attnum > 0) AS columns
       FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = to_regclass($1)`,
    [tableName(schema, name)],
  );
  for (const row of rows) {
    const columns = (row.columns as string[] | null) ?? [];
    const suffix = ['brin_time', 'unique', 'bucket', 'pkey', ...columns.map((column) => `${column}_time`)].find(
      (one) => indexName(name, one) === row.index,
    );
    if (suffix === undefined) continue; // a user's own, which stays with its table
    await session.query(`ALTER INDEX ${tableName(schema, String(row.index))} RENAME TO ${quote(indexName(other, suffix))}`);
  }
}

/** Gives whoever has rights on tables of one set the same on those of the other, such as a dashboard's role. */
export async function copyGrants(session: Session, from: TableSet, to: TableSet): Promise<void> {
  const pairs: [string, string][] = [
    [from.table, to.table],
    [from.latest, to.latest],
  ];
  for (const [every, name] of from.rollups) pairs.push([name, to.rollups.get(every) ?? '']);
  for (const [name, other] of pairs) {
    if (other === '' || (await kindOf(session, to.schema, other)) === null) continue;
    const { rows } = await session.query(
      `SELECT a.privilege_type AS privilege, a.is_grantable AS grantable,
              CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee)::text END AS grantee
         FROM pg_class c, aclexplode(c.relacl) AS a WHERE c.oid = to_regclass($1) AND a.grantee <> c.relowner`,
      [tableName(from.schema, name)],
    );
    for (const { privilege, grantable, grantee } of rows) {
      const who = grantee === null ? 'PUBLIC' : quote(String(grantee));
      await session.query(
        `GRANT ${String(privilege)} ON ${tableName(to.schema, other)} TO ${who}${grantable === true ? ' WITH GRANT OPTION' : ''}`,
      );
    }
  }
}

/**
 * Removes tables, roll-ups first; those that are not there are left out.
 * @returns a line for people per table that was removed
 * @throws the database's error where something else hangs on one of them, which then stays
 */
export async function dropTables(session: Session, schema: string, names: readonly string[]): Promise<string[]> {
  const found: { name: string; kind: Kind }[] = [];
  for (const name of names) {
    const kind = await kindOf(session, schema, name);
    if (kind !== null) found.push({ name, kind });
  }
  const lines: string[] = [];
  for (const kind of ['MATERIALIZED VIEW', 'TABLE'] as const) {
    for (const one of found) {
      if (one.kind !== kind) continue;
      await session.query(`DROP ${kind} ${tableName(schema, one.name)}`);
      lines.push(`removed ${kind === 'TABLE' ? 'table' : 'roll-up'} ${schema}.${one.name}`);
    }
  }
  return lines;
}

/** Tables (without schema) that an owner has in a schema. */
export async function ownedTables(session: Session, owner: string, schema: string): Promise<string[]> {
  const { rows } = await session.query(
    `SELECT substr(name, length($2) + 2) AS name FROM millrace.owners
      WHERE kind = 'table' AND pipeline = $1 AND starts_with(name, $2 || '.') ORDER BY name`,
    [owner, schema],
  );
  return rows.map(({ name }) => String(name));
}

/** Makes another the owner of a set's tables. */
export async function giveTo(session: Session, owner: string, set: TableSet): Promise<void> {
  for (const name of namesIn(set)) {
    await session.query(
      `INSERT INTO millrace.owners (kind, name, pipeline) VALUES ('table', $1, $2)
       ON CONFLICT (kind, name) DO UPDATE SET pipeline = EXCLUDED.pipeline`,
      [`${set.schema}.${name}`, owner],
    );
  }
}
