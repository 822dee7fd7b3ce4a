/**
 * The ledger after a swap: `stored` counts what is in the new table, and `reset` says how many rows more or less that is than the
 * processor has counted, so that an audit does not take a reprocessing for a loss.
 *
 * Invariants:
 * - rows + reset = stored + refused + merged + in flight, per partition and raw topic id, and by hour where hours are known.
 * - `refused` stays what sinks refused; what the reprocessing refused carries a header in the dead-letter topic.
 * - After a handover the processor reads its log again by the new rules: its counts begin anew, and `reset` is what it cannot count.
 */
import { HOUR_MS } from '@millrace/core/record/hour.ts';
import { cutTopicId } from '@millrace/core/record/origin.ts';
import type { Session } from '@millrace/setup/session.ts';
import { entriesOf, type Hours } from '@millrace/sink/ledger.ts';
import type { Goal } from './goals.ts';
import type { Plan } from './plan.ts';

/** What an end of a row is: a row of the table, one merged into it, one that the database refused. */
const ENDS = 'stored + refused + merged';

/**
 * In the open transaction of the swap.
 * @param takenOver rows that were taken over from the old table
 * @param late ends of raw records behind the processor's commit, by partition: it will count them later
 */
export async function settleLedger(
  session: Session,
  plan: Plan,
  takenOver: number,
  goals: readonly Goal[],
  late: ReadonlyMap<number, Hours>,
): Promise<void> {
  const underWay = plan.mode === 'replace' ? await underWayOf(session, plan.pipeline, goals) : [];
  if (plan.fromMs === null) await countAnew(session, plan);
  else await countDifference(session, plan, takenOver);
  if (plan.mode === 'hand over') {
    await session.query(
      `UPDATE millrace.ledger SET raw_records = 0, raw = 0, rows = 0, processor_refused = 0, dropped = 0, processor_repeats = 0 WHERE pipeline = $1`,
      [plan.pipeline],
    );
    return;
  }
  for (const [partition, hours] of late)
    for (const { topicId, hour, counts } of entriesOf(hours))
      underWay.push({ partition, topicId, seconds: hour, rows: counts.stored + counts.refused + counts.merged });
  for (const { partition, topicId, seconds, rows } of underWay) {
    await session.query(
      `INSERT INTO millrace.ledger AS kept (pipeline, partition, topic_id, hour, reset) VALUES ($1, $2, $3, to_timestamp($4), -($5::bigint))
       ON CONFLICT (pipeline, partition, topic_id, hour) DO UPDATE SET reset = kept.reset + EXCLUDED.reset`,
      [plan.pipeline, partition, topicId, seconds, rows],
    );
  }
}

/** By hour: what is stored and merged now, and by how much that differs from what the processor counted. */
async function countAnew(session: Session, { pipeline, key, mode }: Plan): Promise<void> {
  const [refused, reset, settled] =
    mode === 'replace'
      ? ['0', 'stored + merged', 'kept.reset + EXCLUDED.reset']
      : ['-was_refused', '-made_refused', 'EXCLUDED.reset']; // no sink has refused anything by the new rules yet
  await session.query(
    `INSERT INTO millrace.ledger AS kept (pipeline, partition, topic_id, hour, stored, merged, refused, reset)
     SELECT $1, partition, topic_id, hour, stored, merged, ${refused}, ${reset} FROM (
       SELECT partition, topic_id, hour,
              coalesce(made.stored, 0) - coalesce(was.stored, 0) AS stored,
              coalesce(made.merged, 0) - coalesce(was.merged, 0) AS merged,
              coalesce(made.refused, 0) AS made_refused, coalesce(was.refused, 0) AS was_refused
         FROM (SELECT * FROM millrace.ledger WHERE pipeline = $2) AS made
         FULL JOIN (SELECT * FROM millrace.ledger WHERE pipeline = $1) AS was USING (partition, topic_id, hour)) AS difference
      ORDER BY partition, topic_id, hour
     ON CONFLICT (pipeline, partition, topic_id, hour) DO UPDATE SET stored = kept.stored + EXCLUDED.stored,
       merged = kept.merged + EXCLUDED.merged, refused = kept.refused + EXCLUDED.refused, reset = ${settled}`,
    [pipeline, key],
  );
}

/** Nobody knows the hours of rows that were taken over: the difference of the sums stands in the hour -infinity of partition 0. */
async function countDifference(session: Session, { pipeline, key }: Plan, takenOver: number): Promise<void> {
  await session.query(
    `INSERT INTO millrace.ledger AS kept (pipeline, partition, topic_id, hour, stored, reset)
     SELECT $1, 0, coalesce((SELECT max(topic_id) FROM millrace.ledger WHERE pipeline = $2), ''), '-infinity', difference, difference FROM (
       SELECT $3::bigint + coalesce((SELECT sum(stored) FROM millrace.ledger WHERE pipeline = $2), 0)
              - coalesce((SELECT sum(stored) FROM millrace.ledger WHERE pipeline = $1), 0)
              + coalesce((SELECT expired FROM millrace.horizons WHERE pipeline = $1), 0) AS difference) AS d
     ON CONFLICT (pipeline, partition, topic_id, hour) DO UPDATE SET stored = kept.stored + EXCLUDED.stored, reset = kept.reset + EXCLUDED.reset`,
    [pipeline, key, takenOver],
  );
}

interface UnderWay {
  partition: number;
  topicId: string;
  /** Start of the hour, epoch seconds. */
  seconds: number;
  rows: number;
}

/**
 * Rows that the processor has counted and no sink has ended: the sink will drop them. In the ledger as it is before the swap.
 * By hour as far as the commit says; what is left is counted in its newest hour.
 */
async function underWayOf(session: Session, pipeline: string, goals: readonly Goal[]): Promise<UnderWay[]> {
  const { rows: ends } = await session.query(
    `SELECT partition, topic_id, extract(epoch FROM hour)::float8 AS seconds, (${ENDS} - reset)::text AS n FROM millrace.ledger WHERE pipeline = $1`,
    [pipeline],
  );
  const found: UnderWay[] = [];
  for (const [partition, { progress }] of goals.entries()) {
    if (progress === null) continue;
    const own = ends.filter((row) => Number(row.partition) === partition);
    let left = progress.rows - own.reduce((sum, row) => sum + Number(row.n), 0);
    let newest: UnderWay | null = null;
    for (const [at, [hour, cut, , , counted]] of progress.hours.entries()) {
      if (at === 0 && progress.since !== 0) continue; // may have begun before the records that are counted
      const topicId = cutTopicId(progress.topicId, cut);
      const seconds = (hour * HOUR_MS) / 1000;
      const ended = own.find((row) => row.topic_id === topicId && Number(row.seconds) === seconds);
      newest = { partition, topicId, seconds, rows: counted - Number(ended?.n ?? 0) };
      left -= newest.rows;
      found.push(newest);
    }
    if (newest !== null) newest.rows += left;
  }
  return found.filter(({ rows }) => rows !== 0);
}
