/**
 * A roll-up with TimescaleDB: a continuous aggregate. Rows after the last refresh are added as they are read
 * (`materialized_only = false`); late and historical rows are noted by TimescaleDB itself and refreshed by the policy.
 *
 * Invariant: the policy's window is all that the table retains and nothing more: every late row is refreshed, and no
 * refresh sees a range whose rows were retained away, which would delete its buckets (`window.ts`).
 *
 * A run of the policy cuts the window into batches, a transaction each, and does those in which rows came. A batch is a chunk: with
 * TimescaleDB's own choice, one bucket, a day of buckets of 10 s took 8,640 transactions (0037).
 */
import { quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { BUCKET_COLUMN, type Rollup } from '@millrace/core/table/rollup.ts';
import { readPolicy, reconcilePolicy } from '../policy.ts';
import { readRelation, spelled } from '../relation.ts';
import type { StepContext } from '../steps/step.ts';
import { checkRollup, selectList } from './statistics.ts';
import { refreshWindowMs } from './window.ts';

/** How often late rows are looked for: no more often than there are new buckets. */
const LONGEST_SCHEDULE_MS = 300_000;
/** In one run: newer versions leave some for the next one, and history waits for as many runs. */
const ALL_BATCHES = 0;

export async function makeContinuousAggregate(context: StepContext, functions: string, rollup: Rollup): Promise<void> {
  const { session, model, changes } = context;
  const relation = await readRelation(session, model.schema, rollup.name);
  if (relation !== null) {
    checkRollup(
      model.schema,
      rollup,
      relation,
      'view',
      await spelled(
        session,
        rollup.columns.map(({ type }) => type),
      ),
    );
  } else {
    const groups = [1, ...rollup.by.map((_, index) => index + 2)].join(', ');
    await session.query(
      `CREATE MATERIALIZED VIEW ${tableName(model.schema, rollup.name)}
         WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
       SELECT ${tableName(functions, 'time_bucket')}(interval '${rollup.everyMs / 1000} seconds', ${quote(TIME_COLUMN)}) AS ${quote(BUCKET_COLUMN)},
              ${selectList(rollup)}
         FROM ${tableName(model.schema, model.table)} GROUP BY ${groups} WITH NO DATA`,
    );
    changes.push(`created continuous aggregate ${model.schema}.${rollup.name}`);
  }
  const place = { schema: model.schema, relation: rollup.name };
  const before = await readPolicy(session, { ...place, kind: 'refresh' });
  await reconcilePolicy(session, functions, changes, {
    ...place,
    kind: 'refresh',
    arguments: { start_offset: await refreshWindowMs(session, model, before), end_offset: rollup.everyMs },
    scheduleMs: Math.min(rollup.everyMs, LONGEST_SCHEDULE_MS),
    counts: { buckets_per_batch: Math.max(1, Math.ceil(model.chunkMs / rollup.everyMs)), max_batches_per_execution: ALL_BATCHES },
  });
  await reconcilePolicy(session, functions, changes, {
    ...place,
    kind: 'retention',
    arguments: rollup.retainMs === null ? null : { drop_after: rollup.retainMs },
  });
}
