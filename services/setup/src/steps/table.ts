import { table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { reconcileTable } from '../columns.ts';
import { createSchema } from '../system.ts';
import type { Step } from './step.ts';

/** The schema and the table of rows; a hypertable where the server has TimescaleDB. */
export const table: Step = async ({ session, model, server, changes }) => {
  if (await createSchema(session, model.schema)) changes.push(`created schema ${model.schema}`);
  const created = await reconcileTable(session, model.schema, model.table, model.columns, [], changes);
  if (server.kind !== 'timescaledb') return;
  const regclass = tableName(model.schema, model.table);
  const call = (name: string) => tableName(server.schema, name);
  if (created) {
    // The indexes come with the next step, the same as without TimescaleDB.
    await session.query(
      `SELECT ${call('create_hypertable')}($1::regclass, $2::name, chunk_time_interval => make_interval(secs => $3), create_default_indexes => false)`,
      [regclass, TIME_COLUMN, model.chunkMs / 1000],
    );
    changes.push(`made table ${model.schema}.${model.table} a hypertable`);
    return;
  }
  const { rows } = await session.query(
    `SELECT time_interval = make_interval(secs => $3) AS same FROM timescaledb_information.dimensions
      WHERE hypertable_schema = $1 AND hypertable_name = $2 AND dimension_number = 1`,
    [model.schema, model.table, model.chunkMs / 1000],
  );
  if (rows[0]?.same === true) return;
  await session.query(`SELECT ${call('set_chunk_time_interval')}($1::regclass, make_interval(secs => $2))`, [
    regclass,
    model.chunkMs / 1000,
  ]);
  changes.push(`new chunks of ${model.schema}.${model.table} span ${model.chunkMs / 1000} s`);
};
