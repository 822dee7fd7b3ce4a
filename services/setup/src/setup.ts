/**
 * Sets up what a Pipeline needs in Kafka and the database: once, again, or by several processes at the same time.
 *
 * Invariants: everything is asked for before it is changed, and changed only where it differs; the database's part is one
 * transaction; what cannot be done is refused before anything is done to the topics; position rows are there before
 * their partitions.
 */
import { sqlStateOf } from '@millrace/core/database/errors.ts';
import type { Kafka, NewTopic } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { type Model, modelOf } from './model.ts';
import { type Condition, SetupRefused } from './refused.ts';
import { detectServer, type Server, type ServerKind } from './server.ts';
import { inTransaction, type Session, takeTurn, withSession } from './session.ts';
import { STEPS } from './steps/index.ts';
import { migrate, SETUP_LOCK } from './system.ts';
import { applyTopicAction, lackOf, planTopics, readTopics, wantedTopics } from './topics.ts';

export type { Condition } from './refused.ts';
export type { ServerKind } from './server.ts';

export interface SetupReport {
  /** How this Pipeline's tables work; what `refreshTouched` and `enforceRetention` need to know. */
  server: ServerKind;
  /** A line per thing that was changed; none where all was as wanted. */
  changes: string[];
  conditions: Condition[];
}

/** Building an index over a table that is there already takes its time. */
const STATEMENT_TIMEOUT_MS = 3_600_000;
const TOPIC_ROUNDS = 3;

export interface SetupOptions {
  kafka: Kafka;
  database: Pool;
  log: Logger;
  /** `given`: somebody else makes them, such as Strimzi's Topic Operator; they are looked at only. Default: made here. */
  topics?: 'made' | 'given';
}

/**
 * Brings topics, tables, roll-ups and policies to what the Pipeline's spec says.
 * @throws SetupRefused where a person must change something; any other error (a server away, a time-out, a topic that is not given yet) may pass by itself
 */
export async function setupPipeline(
  pipeline: Pipeline,
  { kafka, database, log, topics: topicsAre = 'made' }: SetupOptions,
): Promise<SetupReport> {
  const model = modelOf(pipeline);
  const names = namesOf(pipeline);
  const topics = wantedTopics(pipeline, pipeline.spec.source.topic === undefined ? null : await kafka.topic(names.raw));
  const report = await withSession(database, STATEMENT_TIMEOUT_MS, async (session): Promise<SetupReport> => {
    await takeTurn(session, `${SETUP_LOCK} ${model.pipeline}`, 'session');
    planTopics(topics, await readTopics(kafka, topics)); // refuses before anything is changed
    const { server, changes } = await setupDatabase(session, model, topics);
    for (const change of changes) log.info({ pipeline: model.pipeline }, change); // also where a topic lets it begin again
    const made = topicsAre === 'made' ? await setupTopics(kafka, topics) : await lookAtTopics(kafka, topics);
    for (const change of made) log.info({ pipeline: model.pipeline }, change);
    changes.push(...made);
    const ready: Condition = {
      type: 'TopicsReady',
      status: 'True',
      reason: 'Ready',
      message: `${topics.map(({ name }) => name).join(', ')}: ${topics[0]?.partitions} partitions each`,
    };
    return { server: server.kind, changes, conditions: [ready, schemaCondition(model, server)] };
  });
  const schema = report.conditions.find(({ type }) => type === 'SchemaReady');
  if (report.server === 'postgresql') log.warn({ pipeline: model.pipeline, reason: schema?.reason }, schema?.message);
  return report;
}

/**
 * The database's part: Millrace's own tables and those of the Pipeline. `topics` are those that it owns.
 * @throws SetupRefused also where the user has not the rights
 */
export async function setupDatabase(
  session: Session,
  model: Model,
  topics: readonly NewTopic[],
): Promise<{ server: Server; changes: string[] }> {
  try {
    const changes = await migrate(session);
    const server = await serverOf(session, model, await detectServer(session));
    const partitions = Math.max(0, ...topics.map((topic) => topic.partitions));
    await inTransaction(session, async () => {
      await takeTurn(session, SETUP_LOCK, 'transaction');
      const context = { session, model, server, topics, partitions, claimed: new Set<string>(), changes };
      for (const step of STEPS) await step(context);
    });
    return { server, changes };
  } catch (error) {
    if (!(error instanceof Error) || sqlStateOf(error) !== '42501') throw error;
    const { rows } = await session.query('SELECT current_user AS role, current_database() AS database');
    const { role, database } = rows[0] ?? {};
    throw new SetupRefused(
      'SchemaReady',
      'PermissionDenied',
      `The database user ${JSON.stringify(role)} may not set up ${model.pipeline}: ${error.message}. ` +
        `Let an administrator run: GRANT CREATE ON DATABASE "${database}" TO "${role}"; and make it the owner of the schemas and tables that are there already (ALTER SCHEMA and ALTER TABLE … OWNER TO "${role}")`,
    );
  }
}

/** A table that was made without TimescaleDB stays a plain table when the server gets it later. */
async function serverOf(session: Session, model: Model, server: Server): Promise<Server> {
  if (server.kind === 'postgresql') return server;
  const { rows } = await session.query(
    `SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = $2) AS found,
            EXISTS (SELECT FROM timescaledb_information.hypertables WHERE hypertable_schema = $1 AND hypertable_name = $2) AS hypertable`,
    [model.schema, model.table],
  );
  if (rows[0]?.found !== true || rows[0].hypertable === true) return server;
  return {
    kind: 'postgresql',
    missing: `the table ${model.schema}.${model.table} was made as a plain table; for a hypertable set spec.table.name to a new one`,
  };
}

async function setupTopics(kafka: Kafka, topics: readonly NewTopic[]): Promise<string[]> {
  const changes: string[] = [];
  for (let round = 0; round < TOPIC_ROUNDS; round++) {
    const done: (string | null)[] = [];
    for (const action of planTopics(topics, await readTopics(kafka, topics))) done.push(await applyTopicAction(kafka, action));
    changes.push(...done.filter((change) => change !== null));
    if (!done.includes(null)) return changes;
  }
  throw new Error(
    `the topics ${topics.map(({ name }) => name).join(', ')} are being changed by someone else; set up again later`,
  );
}

/** @throws Error naming what is not as wanted yet */
async function lookAtTopics(kafka: Kafka, topics: readonly NewTopic[]): Promise<never[]> {
  const missing = planTopics(topics, await readTopics(kafka, topics)).map(lackOf);
  if (missing.length > 0) throw new Error(`whoever makes the topics has not made them as they are wanted: ${missing.join('; ')}`);
  return [];
}

function schemaCondition(model: Model, server: Server): Condition {
  const place = `${model.schema}.${model.table}`;
  if (server.kind === 'timescaledb')
    return { type: 'SchemaReady', status: 'True', reason: 'Hypertable', message: `${place} is a hypertable` };
  const instead = [
    'there are no chunks',
    ...(model.compression === null ? [] : ['nothing is compressed']),
    ...(model.rollups.length === 0 ? [] : ['roll-ups are tables that the sink refreshes']),
    ...(model.retainMs === null ? [] : ['old rows are deleted by the sink']),
  ];
  return {
    type: 'SchemaReady',
    status: 'True',
    reason: 'PlainTable',
    message: `${place} is a plain table, since ${server.missing}: ${instead.join(', ')}`,
  };
}
