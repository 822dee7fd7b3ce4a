/**
 * Removes what a Pipeline has left in Kafka and in the database.
 *
 * Invariants:
 * - Only what `millrace.owners` says is this Pipeline's is removed: a topic that a user gave, or another's table, is never touched.
 * - Topics stay owned until they are gone, so that a run that was killed goes on where it stood; run again, nothing is left to do.
 * - Nothing is removed while a processor or sink of it is running.
 */
import { sqlStateOf } from '@millrace/core/database/errors.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { retiredKey } from '@millrace/setup/owners.ts';
import { inTransaction, type Session, takeTurn, withSession } from '@millrace/setup/session.ts';
import { SETUP_LOCK } from '@millrace/setup/system.ts';
import type { Pool } from 'pg';
import { resetKey } from './plan.ts';
import { dropTables, ownedTables } from './relations.ts';
import { forgetReset } from './shadow.ts';

const STATEMENT_TIMEOUT_MS = 600_000;
/** Millrace's own tables that have rows of a Pipeline. */
const BOOKS = [
  'positions',
  'ledger',
  'touched',
  'horizons',
  'redriven',
  'reprocessed',
  'latest_unsent',
  'latest_topics',
] as const;

export interface Belongings {
  topics: string[];
  groups: string[];
  /** With their schema: in use, kept by a reset, and made by one that was not applied. */
  tables: string[];
  /** Topics of its names that it does not own. */
  others: string[];
}

/** What a Pipeline has, as far as it is there. */
export async function belongingsOf(
  pipeline: Pipeline,
  { kafka, database }: { kafka: Kafka; database: Pool },
): Promise<Belongings> {
  const names = namesOf(pipeline);
  const { topics: ownedTopics, tables } = await withSession(database, STATEMENT_TIMEOUT_MS, (session) => ownedBy(session, names));
  const topics: string[] = [];
  const others: string[] = [];
  for (const name of new Set([names.raw, names.processed, names.dlq, ...ownedTopics])) {
    if (ownedTopics.includes(name)) topics.push(name);
    else if ((await kafka.topic(name)) !== null) others.push(name);
  }
  return { topics, groups: [names.processorGroup, names.sinkGroup, names.replayGroup], tables, others };
}

async function ownedBy(session: Session, { pipeline, schema }: { pipeline: string; schema: string }) {
  try {
    const { rows } = await session.query(
      `SELECT name FROM millrace.owners WHERE kind = 'topic' AND pipeline = $1 ORDER BY name`,
      [pipeline],
    );
    const tables: string[] = [];
    for (const owner of [pipeline, retiredKey(pipeline), resetKey(pipeline)])
      for (const name of await ownedTables(session, owner, schema)) tables.push(`${schema}.${name}`);
    return { topics: rows.map(({ name }) => String(name)), tables };
  } catch (error) {
    if (sqlStateOf(error) === '42P01' || sqlStateOf(error) === '3F000') return { topics: [], tables: [] }; // never set up here
    throw error;
  }
}

/**
 * Removes topics, groups, tables and books.
 * @returns a line per thing that was removed
 * @throws Error while roles are running; the database's where something of a user hangs on a table, and no table is removed then
 */
export async function deletePipeline(pipeline: Pipeline, servers: { kafka: Kafka; database: Pool }): Promise<string[]> {
  const { kafka, database } = servers;
  const names = namesOf(pipeline);
  for (const group of [names.processorGroup, names.sinkGroup]) {
    const members = await kafka.groupMembers(group);
    if (members > 0)
      throw new Error(
        `${names.pipeline} is running: the group ${group} has ${members} ${members === 1 ? 'member' : 'members'}. Stop its roles first`,
      );
  }
  const { topics, groups } = await belongingsOf(pipeline, servers);
  const lines = await withSession(database, STATEMENT_TIMEOUT_MS, async (session) => {
    await takeTurn(session, `${SETUP_LOCK} ${names.pipeline}`, 'session');
    return removeTables(session, names);
  });
  for (const group of groups) if (await kafka.deleteGroup(group)) lines.push(`removed group ${group}`);
  for (const name of topics) {
    if ((await kafka.topic(name)) !== null) {
      await kafka.deleteTopic(name);
      lines.push(`removed topic ${name}`);
    }
    await database.query(`DELETE FROM millrace.owners WHERE kind = 'topic' AND name = $1 AND pipeline = $2`, [
      name,
      names.pipeline,
    ]);
  }
  return lines;
}

async function removeTables(session: Session, { pipeline, schema }: { pipeline: string; schema: string }): Promise<string[]> {
  const { rows } = await session.query(`SELECT to_regclass('millrace.resets') IS NOT NULL AS found`);
  if (rows[0]?.found !== true) return [];
  return inTransaction(session, async () => {
    const lines: string[] = [];
    for (const owner of [pipeline, retiredKey(pipeline), resetKey(pipeline)]) {
      lines.push(...(await dropTables(session, schema, await ownedTables(session, owner, schema))));
      await session.query(`DELETE FROM millrace.owners WHERE kind = 'table' AND pipeline = $1`, [owner]);
    }
    await forgetReset(session, pipeline);
    for (const name of BOOKS) await session.query(`DELETE FROM millrace.${name} WHERE pipeline = $1`, [pipeline]);
    return lines;
  });
}
