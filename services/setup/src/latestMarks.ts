/**
 * Triggers by which a table of newest rows marks what changes in it (`millrace.latest_unsent`), where the spec asks for the topic of it.
 *
 * Invariant: whoever changes the table, a sink with an older spec or a person, the mark is in the same transaction. What changed before
 * the triggers were made is no mark: whenever they are made, the topic is forgotten, so that the sink fills it from the whole
 * table; and what only a former table of the Pipeline had is marked, to be deleted from the topic.
 */
import { literal, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import type { Model } from './model.ts';
import { primaryKeyOf } from './relation.ts';
import type { Session } from './session.ts';

/** Of the triggers; the tables that they read are all called `changed`. */
const TRIGGERS = [
  { name: 'millrace latest inserted', event: 'INSERT', rows: 'NEW' },
  { name: 'millrace latest updated', event: 'UPDATE', rows: 'NEW' },
  { name: 'millrace latest deleted', event: 'DELETE', rows: 'OLD' },
] as const;

type Marked = Pick<Model, 'pipeline' | 'schema' | 'latest' | 'kept'>;
type Named = Pick<Marked, 'schema' | 'latest'>;

/**
 * Makes or removes them as the spec has it.
 * @param former the table that the topic was filled from before, where that is another one; default: the one that the sink filled it from
 * @returns a line per change
 */
export async function markChanges(session: Session, marked: Marked, former?: Named): Promise<string[]> {
  const { pipeline, schema, latest, kept } = marked;
  const target = tableName(schema, latest);
  const isMarked = (await triggersOf(session, marked)).length === TRIGGERS.length;
  if (isMarked === kept.topic && former === undefined) return [];
  await stopMarking(session, marked);
  if (kept.topic) {
    const other = former ?? (await filledFrom(session, marked));
    if (other !== null) await markGone(session, marked, other);
    for (const { name, event, rows } of TRIGGERS)
      await session.query(
        `CREATE TRIGGER ${quote(name)} AFTER ${event} ON ${target} REFERENCING ${rows} TABLE AS changed
           FOR EACH STATEMENT EXECUTE FUNCTION millrace.mark_latest(${literal(pipeline)}, ${literal(keySql(kept.by))})`,
      );
  } else {
    if (former !== undefined) await stopMarking(session, former);
    await session.query('DELETE FROM millrace.latest_unsent WHERE pipeline = $1', [pipeline]);
  }
  await session.query('DELETE FROM millrace.latest_topics WHERE pipeline = $1', [pipeline]);
  return isMarked === kept.topic ? [] : [`changes of ${schema}.${latest} ${kept.topic ? 'go' : 'no longer go'} to a topic`];
}

/** SQL of a row's key: the same for the same combination, in whatever order the spec names the columns. */
export function keySql(by: readonly string[]): string {
  return `jsonb_build_object(${by.map((name) => `${literal(name)}, ${quote(name)}`).join(', ')})`;
}

/** Another table of the Pipeline's than this one, from which its topic is filled. */
async function filledFrom(session: Session, { pipeline, schema, latest }: Marked): Promise<Named | null> {
  const { rows } = await session.query('SELECT table_name AS name FROM millrace.latest_topics WHERE pipeline = $1', [pipeline]);
  const name = String(rows[0]?.name ?? '').slice(schema.length + 1);
  return name === '' || name === latest ? null : { schema, latest: name };
}

/** Marks what only the former table has, to be deleted from the topic. */
async function markGone(session: Session, { pipeline, schema, latest, kept }: Marked, former: Named): Promise<void> {
  const formerKey = await primaryKeyOf(session, former.schema, former.latest);
  if (formerKey.length === 0) return;
  await stopMarking(session, former);
  await session.query(
    `INSERT INTO millrace.latest_unsent (pipeline, id, key)
       SELECT $1, sha256(convert_to(key::text, 'UTF8')), key FROM (
         SELECT ${keySql(formerKey)} AS key FROM ${tableName(former.schema, former.latest)}
         EXCEPT SELECT ${keySql(kept.by)} FROM ${tableName(schema, latest)}) AS gone
     ON CONFLICT (pipeline, id) DO UPDATE SET token = EXCLUDED.token`,
    [pipeline],
  );
}

/** Removes those that are there; a table that has none is not locked. */
async function stopMarking(session: Session, named: Named): Promise<void> {
  for (const name of await triggersOf(session, named))
    await session.query(`DROP TRIGGER ${quote(name)} ON ${tableName(named.schema, named.latest)}`);
}

async function triggersOf(session: Session, { schema, latest }: Named): Promise<string[]> {
  const { rows } = await session.query(
    'SELECT tgname AS name FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = ANY($2)',
    [tableName(schema, latest), TRIGGERS.map(({ name }) => name)],
  );
  return rows.map(({ name }) => String(name));
}
