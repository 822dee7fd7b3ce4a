/**
 * Triggers by which a table of newest rows marks what changes in it (`millrace.latest_unsent`), where the spec asks for the topic of it.
 *
 * Invariant: whoever changes the table, a sink with an older spec or a person, the mark is in the same transaction. What changed before
 * the triggers were made is no mark: whenever they are made, the topic is forgotten, so that the sink fills it from the whole table.
 */
import { literal, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import type { Model } from './model.ts';
import type { Session } from './session.ts';

/** Of the triggers; the tables that they read are all called `changed`. */
const TRIGGERS = [
  { name: 'millrace latest inserted', event: 'INSERT', rows: 'NEW' },
  { name: 'millrace latest updated', event: 'UPDATE', rows: 'NEW' },
  { name: 'millrace latest deleted', event: 'DELETE', rows: 'OLD' },
] as const;

type Marked = Pick<Model, 'pipeline' | 'schema' | 'latest' | 'kept'>;

/** SQL of a row's key: the same for the same combination, in whatever order the spec names the columns. */
export function keySql(by: readonly string[]): string {
  return `jsonb_build_object(${by.map((name) => `${literal(name)}, ${quote(name)}`).join(', ')})`;
}

/** Makes or removes them as the spec has it. Returns a line per change. */
export async function markChanges(session: Session, { pipeline, schema, latest, kept }: Marked): Promise<string[]> {
  const target = tableName(schema, latest);
  const found = await session.query(
    'SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = ANY($2)',
    [target, TRIGGERS.map(({ name }) => name)],
  );
  const isMarked = Number(found.rows[0]?.triggers) === TRIGGERS.length;
  if (isMarked === kept.topic) return [];
  await stopMarking(session, { schema, latest });
  await session.query('DELETE FROM millrace.latest_topics WHERE pipeline = $1', [pipeline]);
  if (!kept.topic) {
    await session.query('DELETE FROM millrace.latest_unsent WHERE pipeline = $1', [pipeline]);
    return [`changes of ${schema}.${latest} no longer go to a topic`];
  }
  for (const { name, event, rows } of TRIGGERS)
    await session.query(
      `CREATE TRIGGER ${quote(name)} AFTER ${event} ON ${target} REFERENCING ${rows} TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION millrace.mark_latest(${literal(pipeline)}, ${literal(keySql(kept.by))})`,
    );
  return [`changes of ${schema}.${latest} go to a topic`];
}

export async function stopMarking(session: Session, { schema, latest }: Pick<Marked, 'schema' | 'latest'>): Promise<void> {
  for (const { name } of TRIGGERS) await session.query(`DROP TRIGGER IF EXISTS ${quote(name)} ON ${tableName(schema, latest)}`);
}
