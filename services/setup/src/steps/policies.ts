import { literal, quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { reconcilePolicy } from '../policy.ts';
import type { Step } from './step.ts';

/** Retention of the hypertable, by TimescaleDB's own job. Without TimescaleDB the sink's `enforceRetention` does it. */
export const retention: Step = async ({ session, model, server, changes }) => {
  if (server.kind !== 'timescaledb') return;
  await reconcilePolicy(session, server.schema, changes, {
    schema: model.schema,
    relation: model.table,
    kind: 'retention',
    arguments: model.retainMs === null ? null : { drop_after: model.retainMs },
  });
};

/** Compression of old chunks. */
export const compression: Step = async ({ session, model, server, changes }) => {
  if (server.kind !== 'timescaledb') return;
  const { compression: wanted } = model;
  if (wanted !== null) {
    const { rows } = await session.query(
      `SELECT attname, segmentby_column_index IS NOT NULL AS segment FROM timescaledb_information.compression_settings
        WHERE hypertable_schema = $1 AND hypertable_name = $2 ORDER BY segmentby_column_index, orderby_column_index`,
      [model.schema, model.table],
    );
    const names = (segment: boolean) => rows.filter((row) => row.segment === segment).map((row) => String(row.attname));
    if (names(true).join() !== wanted.segmentBy || names(false).join() !== wanted.orderBy.join()) {
      const order = wanted.orderBy.map((name) => (name === TIME_COLUMN ? `${quote(name)} DESC` : quote(name))).join(', ');
      await session.query(
        `ALTER TABLE ${tableName(model.schema, model.table)} SET (timescaledb.compress,
           timescaledb.compress_segmentby = ${literal(quote(wanted.segmentBy))}, timescaledb.compress_orderby = ${literal(order)})`,
      );
      changes.push(`compressed chunks of ${model.schema}.${model.table} are segmented by ${wanted.segmentBy}`);
    }
  }
  await reconcilePolicy(session, server.schema, changes, {
    schema: model.schema,
    relation: model.table,
    kind: 'compression',
    arguments: wanted === null ? null : { compress_after: wanted.afterMs },
  });
};
