/**
 * The last transaction: what is still missing, then the new tables in place of the old.
 *
 * Invariants:
 * - It is one transaction: killed anywhere, the old tables are in use as before, and the reprocessing goes on where it stood.
 * - From its first lock on no sink commits: those with rows wait for the table, those without for their position, and all find
 *   that the position was moved. Locks are taken in the order of a sink (maintenance, table, positions), and readers of the
 *   old table wait for the renames only.
 * - The position names the last raw record that the new table holds, so that a sink that goes on drops what is under way.
 * - It is short: with more than `MOST_RECORDS` missing nothing is done, and it ends after `WITHIN_MS` whatever happens.
 */
import { table as tableName } from '@millrace/core/database/identifier.ts';
import type { Kafka, KafkaRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { markChanges } from '@millrace/setup/latestMarks.ts';
import { modelOf } from '@millrace/setup/model.ts';
import { retiredKey } from '@millrace/setup/owners.ts';
import { maintenanceLock } from '@millrace/setup/rollups/refresh.ts';
import { type Session, takeTurn } from '@millrace/setup/session.ts';
import { SETUP_LOCK } from '@millrace/setup/system.ts';
import { type Hours, ledgerSql } from '@millrace/sink/ledger.ts';
import { notStored } from '@millrace/sink/redriven.ts';
import { withClient } from '@millrace/sink/session.ts';
import { touchedSql } from '@millrace/sink/touched.ts';
import type { ClientBase, PoolClient } from 'pg';
import { beforeOf, type Filling, hoursOf, nextOf, refusalsOf, standingIn } from './fill.ts';
import { type Goal, goalsOf, originsAfter, positionsOf } from './goals.ts';
import { settleLedger } from './ledger.ts';
import { pieceOf } from './piece.ts';
import { beside, namesIn, type Plan, renamed, type TableSet, tablesOf } from './plan.ts';
import { copyGrants, giveTo, ownedTables, renameSet } from './relations.ts';
import { forgetReset } from './shadow.ts';

/** Raw records that may be missing when the locks are taken. */
export const MOST_RECORDS = 10_000;
const WITHIN_MS = 20_000;
/** How long it waits for a sink's transaction or a reader of the old table, while others wait behind it. */
const LOCK_MS = 4_000;

/** Steps of the swap, for tests that stop it at one. */
export type Step = 'locked' | 'filled' | 'renamed' | 'committing';

export interface Swapping {
  filling: Filling;
  sender: Sender;
  /** Called before each step. */
  at?: (step: Step) => Promise<void>;
}

export type Swapped =
  /** `kept`: the old tables, under the name that they have now. */
  | { done: true; kept: TableSet; records: number }
  /** Too many raw records were missing: fill first. */
  | { done: false; missing: number };

/** @throws what the database or Kafka says, and the abort's reason; nothing has changed then, unless only COMMIT's answer was lost */
export async function swap({ filling, sender, at = async () => {} }: Swapping): Promise<Swapped> {
  const { plan, kafka, database, raw } = filling;
  const signal = AbortSignal.any([filling.signal, AbortSignal.timeout(WITHIN_MS)]);
  return withClient(database, signal, async (client) => {
    const session: Session = { query: (text, values = []) => client.query(text, values) };
    await begin(client, session, plan);
    const { rows } = await client.query(
      'SELECT partition, origins FROM millrace.positions WHERE pipeline = $1 ORDER BY partition FOR UPDATE',
      [plan.pipeline],
    );
    await at('locked');
    const topic = await kafka.topic(raw.topic);
    if (topic?.id !== raw.id)
      throw new Error(`the topic ${raw.topic} was created again during the reprocessing: begin again with --restart`);
    const positions = positionsOf(rows);
    const goals = await goalsOf(kafka, namesOf(plan.wanted), raw.id, positions);
    const missing = goals.reduce(
      (sum, { start, to }, partition) => sum + Math.max(0, to - nextOf(standingIn(filling, partition), start)),
      0,
    );
    if (missing > MOST_RECORDS) {
      await client.query('ROLLBACK');
      return { done: false, missing };
    }
    const late = await fillRest(client, filling, sender, goals, signal);
    await at('filled');
    await settleLedger(session, plan, filling.books.takenOverRows, goals, late);
    if (plan.mode === 'hand over') await stopOldRoles(kafka, plan);
    // What was refused so far was refused by the old rules, or here; after a handover the processor refuses anew.
    const dlq = plan.mode === 'hand over' ? await kafka.bounds(namesOf(plan.wanted).dlq) : [];
    const kept = await exchange(session, plan, filling.books.startedAt);
    for (const { partition } of rows) {
      const goal = goals[partition];
      const before = positions.get(partition) ?? new Map();
      const cuts = filling.cuts.get(partition)?.length ?? 0;
      const after = goal === undefined ? before : originsAfter(before, raw.id, cuts, goal.to, 0);
      const stored = Object.fromEntries([...after].map(([id, { offset, index, version }]) => [id, [offset, index, version]]));
      await client.query(
        `UPDATE millrace.positions SET version = version + 1, writer = gen_random_uuid(), origins = $3, dlq_from = coalesce($4, dlq_from)
          WHERE pipeline = $1 AND partition = $2`,
        [plan.pipeline, partition, JSON.stringify(stored), dlq[partition]?.end ?? null],
      );
    }
    await noteForRedrives(session, filling, goals);
    await forgetReset(session, plan.pipeline);
    await at('renamed');
    await at('committing');
    signal.throwIfAborted();
    await client.query('COMMIT');
    return { done: true, kept, records: missing };
  });
}

/**
 * Rows that the old rules have made of records behind the goal do not fit the new table. Without its topic the old processor can
 * make no more; the new one finds another topic than it sent to and makes them anew (decision 0015), and the sink drops those
 * before the goal. Killed before COMMIT this costs the same: the old processor makes its rows again when set-up has made the topic.
 */
async function stopOldRoles(kafka: Kafka, plan: Plan): Promise<void> {
  const { processed } = namesOf(plan.wanted);
  if ((await kafka.topic(processed)) !== null) await kafka.deleteTopic(processed);
}

async function begin(client: PoolClient, session: Session, plan: Plan): Promise<void> {
  const { old } = plan;
  await client.query('BEGIN');
  await takeTurn(session, `${SETUP_LOCK} ${plan.pipeline}`, 'transaction');
  await client.query(`SELECT set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true)`, [
    String(LOCK_MS),
    String(WITHIN_MS),
  ]);
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [maintenanceLock(plan.pipeline)]);
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [maintenanceLock(plan.key)]);
  await client.query(`LOCK TABLE ${tableName(old.schema, old.table)} IN SHARE ROW EXCLUSIVE MODE`);
}

/** Ends of records that the processor has not committed yet, by partition: what it will count later. */
export type Late = Map<number, Hours>;

/** Fills up to the goals in the open transaction. @throws also for a row that the database refuses: `fill` finds which one */
async function fillRest(
  client: ClientBase,
  filling: Filling,
  sender: Sender,
  goals: readonly Goal[],
  signal: AbortSignal,
): Promise<Late> {
  const { plan, kafka, raw, rules, writer, rollups, database } = filling;
  const late: Late = new Map();
  if (writer.prepareSql !== null) await client.query(writer.prepareSql);
  for (const [partition, { start, to, processed }] of goals.entries()) {
    let standing = standingIn(filling, partition);
    const from = nextOf(standing, start);
    if (from >= to) continue;
    // Cut at the processor's offset, so that what it will count later is known.
    for (const [low, high] of [
      [from, Math.min(processed, to)],
      [Math.max(from, processed), to],
    ] as const) {
      if (low >= high) continue;
      const records: KafkaRecord[] = [];
      for await (const record of kafka.range(raw.topic, partition, low, high, signal)) records.push(record);
      if (records.length === 0) continue;
      const piece = await pieceOf(rules, beforeOf(filling, partition, standing), records, signal);
      const { rows, twice } = await notStored(database, signal, plan.key, piece.rows);
      const merged = rows.length === 0 ? new Map<number, number>() : new Map(await writer.write(client, rows));
      const outcome = { written: rows, merged, refused: piece.foreign };
      const refusals = refusalsOf(filling, piece, piece.foreign);
      if (refusals.length > 0) await sender.send(namesOf(plan.wanted).dlq, partition, refusals);
      const hours = hoursOf(outcome, [...piece.twice, ...twice], piece);
      const closing = [
        writer.closingSql(rows),
        touchedSql(
          plan.key,
          rollups,
          rows.map(({ timeMs }) => timeMs),
        ),
        ledgerSql(plan.key, partition, hours),
      ].filter((statement) => statement !== null);
      if (closing.length > 0) await client.query(closing.join(';\n'));
      if (low >= processed) late.set(partition, hours);
      standing = { position: { ...standing.position, origins: piece.origins }, progress: piece.progress };
    }
  }
  return late;
}

/**
 * What redrives must know from now on: which redriven records have their row in the new table, and which raw records were made
 * anew, so that what they were refused for before is not redriven.
 */
async function noteForRedrives(session: Session, { plan, raw }: Filling, goals: readonly Goal[]): Promise<void> {
  await session.query(
    `INSERT INTO millrace.redriven (pipeline, topic_id, partition, raw_offset, index, attempt)
      SELECT $2, topic_id, partition, raw_offset, index, attempt FROM millrace.redriven WHERE pipeline = $1 ON CONFLICT DO NOTHING`,
    [plan.key, plan.pipeline],
  );
  await session.query(
    `INSERT INTO millrace.reprocessed AS kept (pipeline, topic_id, partition, from_offset, to_offset)
      SELECT $1, $2, ordinality - 1, from_offset, to_offset
        FROM unnest($3::bigint[], $4::bigint[]) WITH ORDINALITY AS made (from_offset, to_offset)
      ON CONFLICT (pipeline, topic_id, partition) DO UPDATE
        SET from_offset = least(kept.from_offset, EXCLUDED.from_offset), to_offset = greatest(kept.to_offset, EXCLUDED.to_offset)`,
    [plan.pipeline, raw.id, goals.map((_, partition) => raw.starts[partition] ?? 0), goals.map(({ to }) => to)],
  );
}

/** Puts the new tables in place of the old; returns the old ones under the name that they have from now on. */
export async function exchange(session: Session, plan: Plan, startedAt: Date): Promise<TableSet> {
  const { pipeline, key, old, wanted, shadow, mode } = plan;
  const next = tablesOf(shadow);
  const final = tablesOf(wanted);
  const kept = keptSet(plan, startedAt);
  await copyGrants(session, old, next);
  await session.query('DELETE FROM millrace.touched WHERE pipeline = $1', [pipeline]);
  if (mode === 'replace') {
    await renameSet(session, old, kept);
    await renameSet(session, next, final);
    for (const [every, name] of next.rollups)
      await session.query('UPDATE millrace.touched SET rollup = $3 WHERE pipeline = $1 AND rollup = $2', [
        key,
        name,
        final.rollups.get(every),
      ]);
  }
  await session.query('UPDATE millrace.touched SET pipeline = $2 WHERE pipeline = $1', [key, pipeline]);
  // All rows that there ever were are back, until retention takes the old ones again; or the old edge still holds.
  if (plan.fromMs === null) await session.query('DELETE FROM millrace.horizons WHERE pipeline = $1', [pipeline]);
  for (const name of await ownedTables(session, key, next.schema))
    await session.query(`DELETE FROM millrace.owners WHERE kind = 'table' AND name = $1`, [`${next.schema}.${name}`]);
  for (const name of await ownedTables(session, pipeline, old.schema)) {
    if (namesIn(old).includes(name))
      await session.query(`DELETE FROM millrace.owners WHERE kind = 'table' AND name = $1`, [`${old.schema}.${name}`]);
  }
  await giveTo(session, retiredKey(pipeline), kept);
  await giveTo(session, pipeline, final);
  await markChanges(session, modelOf(wanted), kept); // the topic of newest rows follows
  return kept;
}

/** The old tables under the name that they have after a swap. @param startedAt of the reprocessing: tells several apart */
export function keptSet({ mode, old }: Plan, startedAt: Date): TableSet {
  return mode === 'replace' ? renamed(old, beside(old.table, `old_${stamp(startedAt)}`)) : old;
}

function stamp(time: Date): string {
  return time.toISOString().replace(/\D/g, '').slice(0, 14);
}
