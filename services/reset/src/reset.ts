/**
 * Reprocesses a Pipeline from its raw topic into new tables beside the old, and puts them in their place, while the feed goes on
 * (docs/decisions/0019). The parts: `plan` says what is made, `reach` whether the raw log suffices, `shadow` makes the tables,
 * `takeOver` and `fill` fill them, `catchUp` until little is missing, `swap` is the last transaction and `swapIn` its tries.
 *
 * Invariants: until the swap nothing changes for anybody else; a run that was killed anywhere is gone on with, or was complete; two
 * at a time are refused.
 */
import type { Kafka, Sender } from '@millrace/core/kafka/kafka.ts';
import type { Logger } from '@millrace/core/log.ts';
import { decodeProgress } from '@millrace/core/record/progress.ts';
import { maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf, uniqueOf } from '@millrace/core/table/columns.ts';
import { rollupsOf } from '@millrace/core/table/rollup.ts';
import { compileTransform } from '@millrace/processor/transform.ts';
import { registryFor } from '@millrace/registry/once.ts';
import { modelOf } from '@millrace/setup/model.ts';
import { type Session, tryTurn, withSession } from '@millrace/setup/session.ts';
import { setupDatabase, setupPipeline } from '@millrace/setup/setup.ts';
import { migrate } from '@millrace/setup/system.ts';
import { wantedTopics } from '@millrace/setup/topics.ts';
import { latestTableOf } from '@millrace/sink/latest.ts';
import { writerFor } from '@millrace/sink/writers/index.ts';
import type { Pool } from 'pg';
import { readBooks } from './books.ts';
import { catchUp } from './catchUp.ts';
import { countByDay, type DayCount } from './difference.ts';
import { type Filling, standingOf } from './fill.ts';
import { type Plan, planOf, type TableSet, tablesOf } from './plan.ts';
import { positions } from './positions.ts';
import { firstTimes, mustReach, reachOf } from './reach.ts';
import { ownedTables } from './relations.ts';
import { dropShadow, makeShadow } from './shadow.ts';
import type { Step } from './swap.ts';
import { swapIn } from './swapIn.ts';
import { takeOver } from './takeOver.ts';

export interface Servers {
  kafka: Kafka;
  database: Pool;
  log: Logger;
}

export interface ResetOptions {
  /** Rows from this time on (epoch ms) are made anew, those before it are taken over; null: all are made anew. */
  fromMs: number | null;
  /** Puts the new tables in place; otherwise they are filled and left. */
  apply: boolean;
  /** Begins again, whatever an earlier run has left. */
  restart: boolean;
  signal: AbortSignal;
  told?: Told;
  /** For tests. */
  at?: At;
}

export type Told = (event: ResetEvent) => void;
export type At = (step: Step | 'made' | 'taken over' | 'filling' | 'caught up') => Promise<void>;

/** What a long run tells while it goes on. */
export type ResetEvent =
  | { kind: 'began'; mode: Plan['mode']; table: string; goesOn: boolean }
  | { kind: 'taken over'; rows: number }
  | { kind: 'filling'; records: number; rows: number; missing: number }
  | { kind: 'compared'; days: DayCount[]; refused: number }
  | { kind: 'waiting'; why: string }
  | { kind: 'changed'; change: string };

export interface ResetReport {
  pipeline: string;
  mode: Plan['mode'];
  applied: boolean;
  /** Where the new rows are now. */
  tables: TableSet;
  /** Where the old rows are from now on; null: not applied. */
  kept: TableSet | null;
  days: DayCount[];
  /** Refusals that were met: sent to the dead-letter topic when applied. */
  refused: number;
}

/**
 * @param pipeline the corrected spec
 * @throws Error (also SetupRefused) where it is not possible, with the way out; the signal's reason; errors of Kafka and the database
 */
export async function resetPipeline(pipeline: Pipeline, servers: Servers, options: ResetOptions): Promise<ResetReport> {
  const names = namesOf(pipeline);
  return withSession(servers.database, 60_000, async (session) => {
    if (!(await tryTurn(session, `millrace reset ${names.pipeline}`)))
      throw new Error(`another reset of ${names.pipeline} is running`);
    await migrate(session);
    const sender = servers.kafka.sender();
    try {
      return await reset(pipeline, servers, session, sender, options);
    } finally {
      await sender.close();
    }
  });
}

async function reset(
  pipeline: Pipeline,
  servers: Servers,
  session: Session,
  sender: Sender,
  options: ResetOptions,
): Promise<ResetReport> {
  const { kafka, database, log } = servers;
  const { told = () => {}, at = async () => {}, apply, signal } = options;
  const names = namesOf(pipeline);
  const topic = await kafka.topic(names.raw);
  if (topic === null) throw new Error(`there is no topic ${names.raw}, so there is nothing to reprocess`);
  const planned = async () =>
    planOf(pipeline, options.fromMs, await ownedTables(session, names.pipeline, names.schema), topic.id);
  let plan = await planned();
  if (plan.mode === 'replace') {
    await setupPipeline(pipeline, { kafka, database, log }); // refuses what needs another table
    plan = await planned();
  }

  let books = await readBooks(database, plan.pipeline);
  if (books !== null && (options.restart || books.plan !== plan.fingerprint)) {
    for (const change of await dropShadow(database, plan.pipeline, names.schema)) told({ kind: 'changed', change });
    books = null;
  }
  told({ kind: 'began', mode: plan.mode, table: `${names.schema}.${tablesOf(plan.shadow).table}`, goesOn: books !== null });
  const bounds = await kafka.bounds(names.raw);
  const cuts = await cutsOf(kafka, names, topic.id);
  if (books === null) {
    const storedIds = [...(await positions(database, plan.pipeline)).values()].flatMap((origins) => [...origins.keys()]);
    const firstMs = await firstTimes(kafka, names.raw, bounds);
    const log = {
      topic: names.raw,
      id: topic.id,
      bounds,
      firstMs,
      cutsMs: [...cuts.values()].flat(),
      storedIds,
      nowMs: Date.now(),
    };
    mustReach(reachOf(log), plan.fromMs);
  }
  const server = await makeShadow(database, plan);
  await at('made');
  if (plan.fromMs !== null && (books?.takenOver ?? null) === null)
    told({ kind: 'taken over', rows: await takeOver(database, plan, server) });
  await at('taken over');
  books = await readBooks(database, plan.pipeline);
  if (books === null) throw new Error(`millrace.resets has no row for ${plan.pipeline} any more: somebody removed it`);

  const columns = columnsOf(plan.shadow);
  const latest = latestTableOf(plan.shadow);
  const writer = writerFor({ names: namesOf(plan.shadow), columns, latest }, uniqueOf(plan.shadow));
  const rules = {
    topic: names.raw,
    processed: names.processed,
    transform: compileTransform(pipeline, await registryFor(pipeline, database)),
    writeLine: writer.writeLine,
    maxBytes: maxRecordBytesOf(pipeline),
    fromMs: plan.fromMs,
  };
  const raw = { topic: names.raw, id: topic.id, starts: bounds.map(({ start }) => start) };
  const without = { plan, kafka, database, rules, writer, rollups: rollupsOf(plan.shadow), raw, cuts, books, signal };
  const filling: Filling = { ...without, standing: await standingOf({ ...without }, topic.partitions) };

  await catchUp(filling, server, told, at);
  const days = await countByDay(database, plan);
  const refused = await countRefused(database, plan.pipeline);
  told({ kind: 'compared', days, refused });
  const report = { pipeline: plan.pipeline, mode: plan.mode, tables: tablesOf(apply ? plan.wanted : plan.shadow), days, refused };
  if (!apply) return { ...report, applied: false, kept: null };

  const kept = await swapIn(filling, server, sender, told, at);
  const userTopic = pipeline.spec.source.topic === undefined ? null : topic;
  // Policies that the new tables had to do without so far.
  const { changes } = await setupDatabase(session, modelOf(pipeline), wantedTopics(pipeline, userTopic));
  for (const change of changes) told({ kind: 'changed', change });
  return { ...report, applied: true, kept };
}

async function countRefused(database: Pool, pipeline: string): Promise<number> {
  const { rows } = await database.query('SELECT count(*)::text AS n FROM millrace.reset_refusals WHERE pipeline = $1', [
    pipeline,
  ]);
  return Number(rows[0]?.n);
}

/** Where the raw log was cut under its id, by partition, as the processor has noted it. */
async function cutsOf(
  kafka: Kafka,
  names: { raw: string; processorGroup: string },
  id: string,
): Promise<Map<number, readonly number[]>> {
  const cuts = new Map<number, readonly number[]>();
  for (const [partition, { metadata }] of await kafka.committed(names.processorGroup, names.raw)) {
    const progress = decodeProgress(metadata);
    if (progress?.topicId === id) cuts.set(partition, progress.cuts);
  }
  return cuts;
}
