/**
 * The ledger after a swap: `stored` counts what is in the new table, and `reset` says how many rows more or less that is than the
 * processor has counted, so that an audit does not take a reprocessing for a loss.
 *
 * Invariant: rows + reset = stored + refused + merged + in flight, per partition and raw topic id.
 */
import type { Session } from '@millrace/setup/session.ts';
import type { Goal } from './goals.ts';
import type { Plan } from './plan.ts';

const ENDS = 'stored + refused + merged';

/**
 * In the open transaction of the swap.
 * @param takenOver rows that were taken over from the old table
 * @param late rows of raw records behind the processor's commit, by partition: it will count them later
 */
export async function settleLedger(
  session: Session,
  plan: Plan,
  takenOver: number,
  goals: readonly Goal[],
  late: ReadonlyMap<number, number>,
): Promise<void> {
  const { pipeline, key, fromMs } = plan;
  const underWay = await rowsUnderWay(session, pipeline, goals);
  if (fromMs === null) {
    await session.query(
      `WITH made AS (SELECT partition, topic_id, hour, stored, refused, merged FROM millrace.ledger WHERE pipeline = $2),
            was AS (SELECT partition, topic_id, hour, stored, refused, merged, reset FROM millrace.ledger WHERE pipeline = $1),
            difference AS (
              SELECT partition, topic_id, hour,
                     coalesce(made.stored, 0) - coalesce(was.stored, 0) AS stored,
                     coalesce(made.refused, 0) - coalesce(was.refused, 0) AS refused,
                     coalesce(made.merged, 0) - coalesce(was.merged, 0) AS merged
                FROM made FULL JOIN was USING (partition, topic_id, hour))
       INSERT INTO millrace.ledger AS kept (pipeline, partition, topic_id, hour, stored, refused, merged, reset)
       SELECT $1, partition, topic_id, hour, stored, refused, merged, ${ENDS} FROM difference ORDER BY partition, topic_id, hour
       ON CONFLICT (pipeline, partition, topic_id, hour) DO UPDATE SET stored = kept.stored + EXCLUDED.stored,
         refused = kept.refused + EXCLUDED.refused, merged = kept.merged + EXCLUDED.merged, reset = kept.reset + EXCLUDED.reset`,
      [pipeline, key],
    );
  } else {
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
  if (plan.mode === 'hand over' && fromMs === null) {
    // The processor will read its log again by the new rules, and count what this counts.
    await session.query('UPDATE millrace.ledger SET reset = 0 WHERE pipeline = $1', [pipeline]);
    return;
  }
  for (const [partition, rows] of underWay) {
    // The newest hour of the partition is where rows under way belong.
    await session.query(
      `UPDATE millrace.ledger AS kept SET reset = reset - $3
        WHERE pipeline = $1 AND partition = $2 AND (topic_id, hour) = (
          SELECT topic_id, hour FROM millrace.ledger WHERE pipeline = $1 AND partition = $2 ORDER BY hour DESC, topic_id DESC LIMIT 1)`,
      [pipeline, partition, rows + (late.get(partition) ?? 0)],
    );
  }
}

/** Rows that the processor has counted and no sink has ended, by partition. In the ledger as it is before the swap. */
async function rowsUnderWay(session: Session, pipeline: string, goals: readonly Goal[]): Promise<Map<number, number>> {
  const { rows } = await session.query(
    `SELECT partition, sum(${ENDS} - reset)::text AS ended FROM millrace.ledger WHERE pipeline = $1 GROUP BY partition`,
    [pipeline],
  );
  const ended = new Map(rows.map((row) => [Number(row.partition), Number(row.ended)]));
  const underWay = new Map<number, number>();
  for (const [partition, { progress }] of goals.entries())
    underWay.set(partition, progress === null ? 0 : progress.rows - (ended.get(partition) ?? 0));
  return underWay;
}
