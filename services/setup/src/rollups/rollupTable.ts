/**
 * A roll-up without TimescaleDB: a table of the same name and columns as the continuous aggregate would have.
 *
 * Invariant: a bucket whose rows are in the table and not yet in the roll-up has a row in `millrace.touched`. The sink
 * adds one with the rows; here all buckets are added when the roll-up is made, or comes back after the spec left it out.
 */
import { list, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { BUCKET_COLUMN, type Rollup } from '@millrace/core/table/rollup.ts';
import { indexName } from '../indexName.ts';
import { readRelation, spelled } from '../relation.ts';
import type { StepContext } from '../steps/step.ts';
import { BUCKET_ORIGIN_SQL } from './bucket.ts';
import { checkRollup } from './statistics.ts';

export async function makeRollupTable({ session, model, claimed, changes }: StepContext, rollup: Rollup): Promise<void> {
  const place = `${model.schema}.${rollup.name}`;
  const relation = await readRelation(session, model.schema, rollup.name);
  if (relation !== null) {
    checkRollup(
      model.schema,
      rollup,
      relation,
      'table',
      await spelled(
        session,
        rollup.columns.map(({ type }) => type),
      ),
    );
    if (!claimed.has(place)) return;
  } else {
    const columns = rollup.columns.map(({ name, type }) => `${quote(name)} ${type}${name === BUCKET_COLUMN ? ' NOT NULL' : ''}`);
    const target = tableName(model.schema, rollup.name);
    await session.query(`CREATE TABLE ${target} (${columns.join(', ')})`);
    const groups = [BUCKET_COLUMN, ...rollup.by];
    const index = quote(indexName(rollup.name, 'bucket'));
    await session.query(`CREATE UNIQUE INDEX ${index} ON ${target} (${list(groups)}) NULLS NOT DISTINCT`);
    changes.push(`created roll-up table ${place}`);
  }
  const { rowCount } = await session.query(
    `INSERT INTO millrace.touched (pipeline, rollup, bucket)
     SELECT DISTINCT $1, $2, date_bin(make_interval(secs => $3), ${quote(TIME_COLUMN)}, ${BUCKET_ORIGIN_SQL})
       FROM ${tableName(model.schema, model.table)}
      WHERE ${quote(TIME_COLUMN)} >= coalesce((SELECT edge FROM millrace.horizons WHERE pipeline = $1), '-infinity')`,
    [model.pipeline, rollup.name, rollup.everyMs / 1000],
  );
  if (rowCount) changes.push(`${rowCount} buckets of ${place} will be made from the rows that are there`);
}
