/** Fills the new tables until little is missing, while the feed goes on. */
import { table as tableName } from '@millrace/core/database/identifier.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { refreshTouched } from '@millrace/setup/rollups/refresh.ts';
import type { Server } from '@millrace/setup/server.ts';
import { withSession } from '@millrace/setup/session.ts';
import { type Filling, fill, nextOf } from './fill.ts';
import { goalsOf } from './goals.ts';
import { positions } from './positions.ts';
import type { At, Told } from './reset.ts';
import { MOST_RECORDS } from './swap.ts';

/** Rounds in which the feed brought more than `MOST_RECORDS` again. */
const ROUNDS = 100;

/**
 * Fills until little is missing, and makes the roll-ups of what is there.
 * @throws Error where more comes in than is reprocessed, or partitions were added
 */
export async function catchUp(filling: Filling, server: Server, told: Told, at: At): Promise<void> {
  const { plan, kafka, database, raw } = filling;
  const names = namesOf(plan.wanted);
  for (let round = 1; ; round++) {
    const goals = await goalsOf(kafka, names, raw.id, await positions(database, plan.pipeline));
    if (goals.length > filling.standing.size)
      throw new Error(`partitions were added to ${raw.topic} during the reprocessing: run it again`);
    let missing = goals.reduce((sum, { start, to }, partition) => {
      const standing = filling.standing.get(partition);
      return sum + Math.max(0, to - (standing === undefined ? start : nextOf(standing, start)));
    }, 0);
    if (missing <= MOST_RECORDS / 4 && round > 1) break;
    if (round > ROUNDS)
      throw new Error(
        `after ${ROUNDS} rounds ${missing} raw records are missing again: they come in faster than they are reprocessed. Run it again when less comes in`,
      );
    await at('filling');
    await fill(filling, goals, (records, rows) => {
      missing -= records;
      told({ kind: 'filling', records, rows, missing: Math.max(0, missing) });
    });
    await refreshRollups(filling, server);
  }
  await at('caught up');
}

async function refreshRollups({ plan, database, signal, rollups }: Filling, server: Server): Promise<void> {
  if (server.kind === 'timescaledb') {
    await withSession(database, 6 * 3_600_000, async (session) => {
      for (const { name } of rollups) {
        const view = tableName(namesOf(plan.shadow).schema, name);
        await session.query(
          `CALL ${tableName(server.schema, 'refresh_continuous_aggregate')}('${view.replaceAll("'", "''")}', NULL, NULL)`,
        );
      }
    });
    return;
  }
  for (let remaining = 1; remaining > 0; ) {
    signal.throwIfAborted();
    ({ remaining } = await refreshTouched(database, plan.shadow, server.kind));
  }
}
