/** What the database says of a Pipeline, all of one snapshot: positions, ledger, rows. */
import { table } from '@millrace/core/database/identifier.ts';
import type { Origin } from '@millrace/core/record/origin.ts';
import type { PipelineNames } from '@millrace/core/spec/names.ts';
import type { ClientBase, Pool, QueryConfig } from 'pg';
import type { LedgerRow, TableEvidence } from './evidence.ts';

/** Counting the rows of a large table takes its time. */
export const LONG_QUERY_MS = 600_000;

export interface Snapshot {
  ledger: LedgerRow[];
  positions: Map<
    number,
    {
      next: number | null;
      topicId: string | null;
      origins: Map<string, Pick<Origin, 'offset' | 'index'>>;
      /** Refusals before this offset of the dead-letter topic were made by rules of before a handover to another table. */
      dlqFrom: number;
    }
  >;
  table: Pick<TableEvidence, 'rows' | 'expired'>;
  hypertable: boolean;
}

interface PositionRow {
  partition: number;
  next_offset: string | null;
  topic_id: string | null;
  origins: Record<string, [offset: number, index: number, version: number]>;
  dlq_from: string;
}

const LEDGER_SQL = `
  SELECT partition, topic_id AS "topicId", CASE WHEN hour = '-infinity' THEN NULL ELSE (extract(epoch FROM hour) / 3600)::int END AS hour,
    stored::float8, refused::float8, repeats::float8, merged::float8, lost::float8, reset::float8, raw_records::float8 AS records, raw::float8, rows::float8,
    processor_refused::float8 AS "processorRefused", dropped::float8, processor_repeats::float8 AS "processorRepeats"
  FROM millrace.ledger WHERE pipeline = $1 ORDER BY partition, topic_id, hour`;

/** On a connection of the pool. @throws Error where the Pipeline was never set up in this database */
export async function takeSnapshot(database: Pool, names: PipelineNames): Promise<Snapshot> {
  const client = await database.connect();
  // As in copy.ts: without a listener a connection that ends between two queries ends the process.
  const broken = (): void => undefined;
  client.on('error', broken);
  try {
    const snapshot = await snapshotIn(client, names);
    client.off('error', broken);
    client.release();
    return snapshot;
  } catch (error) {
    client.release(error instanceof Error ? error : true);
    throw error;
  }
}

/**
 * In one transaction, in which `also` may ask more of the same snapshot.
 * @throws Error where the Pipeline was never set up in this database; the transaction is open then
 */
export async function snapshotIn(
  client: ClientBase,
  names: PipelineNames,
  also: (known: Pick<Snapshot, 'hypertable'>) => Promise<void> = async () => undefined,
): Promise<Snapshot> {
  const { pipeline, schema, table: name } = names;
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query(`SET LOCAL statement_timeout = ${LONG_QUERY_MS}`);
  const { rows: there } = await client.query<{ found: boolean; extension: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AS found, to_regclass('timescaledb_information.hypertables') IS NOT NULL AS extension`,
    [table(schema, name)],
  );
  if (!there[0]?.found) throw new Error(`there is no table ${schema}.${name}: was ${pipeline} ever set up here?`);
  const { rows: positions } = await client.query<PositionRow>(
    'SELECT partition, next_offset, topic_id, origins, dlq_from FROM millrace.positions WHERE pipeline = $1',
    [pipeline],
  );
  const { rows: ledger } = await client.query<LedgerRow>(LEDGER_SQL, [pipeline]);
  const hypertable = there[0].extension && (await isHypertable(client, schema, name));
  const { rows: counts } = await long<{ rows: number; expired: number }>(
    client,
    `SELECT (SELECT count(*) FROM ${table(schema, name)})::float8 AS rows,
            coalesce((SELECT expired FROM millrace.horizons WHERE pipeline = $1), 0)::float8 AS expired`,
    [pipeline],
  );
  const [counted] = counts;
  if (counted === undefined) throw new Error('the database answered without a row');
  await also({ hypertable });
  await client.query('COMMIT');
  return { ledger, positions: new Map(positions.map((row) => [row.partition, fromRow(row)])), hypertable, table: counted };
}

async function isHypertable(client: ClientBase, schema: string, name: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM timescaledb_information.hypertables WHERE hypertable_schema = $1 AND hypertable_name = $2',
    [schema, name],
  );
  return rowCount === 1;
}

/** A query that may take long at the client, too. */
export function long<T extends object>(client: ClientBase, text: string, values: unknown[] = []): Promise<{ rows: T[] }> {
  // A time-out per query is in pg's documentation, not in its types.
  const config: QueryConfig & { query_timeout: number } = { text, values, query_timeout: LONG_QUERY_MS + 10_000 };
  return client.query<T>(config);
}

function fromRow({ next_offset, topic_id, origins, dlq_from }: PositionRow) {
  return {
    next: next_offset === null ? null : Number(next_offset),
    topicId: topic_id,
    dlqFrom: Number(dlq_from),
    origins: new Map(Object.entries(origins).map(([id, [offset, index]]) => [id, { offset, index }])),
  };
}
