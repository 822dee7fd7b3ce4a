/**
 * Rows that must be in the table against those that are, as multisets of all columns. The database holds both as 64-bit digests
 * in temporary tables (about 60 bytes a row, on its disk) and sorts them; this process holds one chunk.
 *
 * Invariant: digests are made by the same expression of the same types on both sides, so that equal rows have equal digests.
 */
import { list, quote, table } from '@millrace/core/database/identifier.ts';
import { decodeRow } from '@millrace/core/record/row.ts';
import { durationMs } from '@millrace/core/spec/duration.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type Column, columnsOf, TIME_COLUMN, uniqueOf } from '@millrace/core/table/columns.ts';
import { copyLine } from '@millrace/sink/copyText.ts';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { long } from '../snapshot.ts';

export interface ExpectedRow {
  partition: number;
  /** Of the raw record. */
  offset: number;
  index: number;
  /** By which `unique` tells which of several rows counts, and then their order in the log. */
  appendedMs: number;
  at: number;
  /** The processed record's value. */
  value: Buffer;
}

export interface RowDifference {
  /** Rows that are missing, or too many. */
  by: number;
  /** Where a missing row came from; null for a row that must not be there. */
  from: { partition: number; offset: number; index: number } | null;
  row: string;
}

export interface RowsCompared {
  expected: number;
  found: number;
  missing: number;
  foreign: number;
  /** The first of both. */
  differences: RowDifference[];
}

const CHUNK = 5_000;
const EXPECTED = 'pg_temp.audit_expected';
const FOUND = 'pg_temp.audit_found';
const STAGE = 'pg_temp.audit_stage';

export class RowsInDatabase {
  readonly #client: ClientBase;
  readonly #pipeline: Pipeline;
  readonly #columns: readonly Column[];
  readonly #rowsTable: string;
  readonly #digest: string;
  #edge = '-infinity';
  #lines: string[] = [];

  /** @param client of a session of its own, which ends with the audit and takes the temporary tables along */
  constructor(client: ClientBase, pipeline: Pipeline) {
    const { schema, table: name } = namesOf(pipeline);
    this.#client = client;
    this.#pipeline = pipeline;
    this.#columns = columnsOf(pipeline);
    this.#rowsTable = table(schema, name);
    this.#digest = `hashtextextended(ROW(${this.#names()})::text, 0)`;
  }

  #names(): string {
    return list(this.#columns.map(({ name }) => name));
  }

  /** Makes the temporary tables. */
  async prepare(): Promise<void> {
    const columns = this.#columns.map(({ name }) => quote(name)).join(', ');
    await this.#client.query(`
      CREATE TEMPORARY TABLE audit_found (digest bigint NOT NULL);
      CREATE TEMPORARY TABLE audit_expected
        (digest bigint NOT NULL, partition int, raw_offset bigint, index int, key bigint, appended bigint, at bigint);
      CREATE TEMPORARY TABLE audit_stage AS SELECT ${columns}, 0 AS "audit partition", 0::bigint AS "audit offset", 0 AS "audit index",
        0::bigint AS "audit appended", 0::bigint AS "audit at" FROM ${this.#rowsTable} WITH NO DATA`);
  }

  /** Takes the rows that are there, in the open transaction. Those that retention may delete meanwhile are left out on both sides. */
  async take(hypertable: boolean): Promise<void> {
    const { retain } = this.#pipeline.spec.table;
    const dropped =
      retain !== undefined && hypertable ? `clock_timestamp() - interval '1 millisecond' * ${durationMs(retain)}` : 'NULL';
    const { rows } = await this.#client.query<{ edge: string }>(
      `SELECT greatest(${dropped}, (SELECT edge FROM millrace.horizons WHERE pipeline = $1), '-infinity')::text AS edge`,
      [namesOf(this.#pipeline).pipeline],
    );
    this.#edge = rows[0]?.edge ?? '-infinity';
    await long(
      this.#client,
      `INSERT INTO ${FOUND} SELECT ${this.#digest} FROM ${this.#rowsTable} WHERE ${quote(TIME_COLUMN)} >= $1::timestamptz`,
      [this.#edge],
    );
  }

  /** @throws Error where the value is no row of the table */
  async expect({ partition, offset, index, appendedMs, at, value }: ExpectedRow): Promise<void> {
    const line = copyLine(decodeRow(value, this.#columns), this.#columns);
    this.#lines.push(`${line}\t${partition}\t${offset}\t${index}\t${appendedMs}\t${at}\n`);
    if (this.#lines.length >= CHUNK) await this.#flush();
  }

  async #flush(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length === 0) return;
    const unique = uniqueOf(this.#pipeline);
    const key = unique === null ? 'NULL' : `hashtextextended(ROW(${list(unique.columns)})::text, 0)`;
    await copyInto(this.#client, `COPY ${STAGE} FROM STDIN`, lines);
    await this.#client.query(
      `INSERT INTO ${EXPECTED} SELECT ${this.#digest}, "audit partition", "audit offset", "audit index", ${key}, "audit appended", "audit at"
         FROM ${STAGE} WHERE ${quote(TIME_COLUMN)} >= $1::timestamptz`,
      [this.#edge],
    );
    await this.#client.query(`TRUNCATE ${STAGE}`);
  }

  /** @param most differences that are told one by one */
  async compare(most: number): Promise<RowsCompared> {
    await this.#flush();
    await this.#client.query(`SET statement_timeout = 0`);
    await long(this.#client, `ANALYZE ${EXPECTED}, ${FOUND}`);
    const unique = uniqueOf(this.#pipeline);
    const [order, last] = unique?.keep === 'first' ? ['ASC', 'ASC'] : ['DESC', 'DESC'];
    const counting =
      unique === null
        ? EXPECTED
        : `(SELECT DISTINCT ON (key) * FROM ${EXPECTED} ORDER BY key, appended ${order}, at ${last}) AS counting`;
    await long(
      this.#client,
      `CREATE TEMPORARY TABLE audit_difference AS
         SELECT digest, coalesce(e.n, 0) - coalesce(f.n, 0) AS by FROM (SELECT digest, count(*) AS n FROM ${counting} GROUP BY 1) AS e
           FULL JOIN (SELECT digest, count(*) AS n FROM ${FOUND} GROUP BY 1) AS f USING (digest)
          WHERE e.n IS DISTINCT FROM f.n`,
    );
    const { rows: sums } = await long<{ expected: number; found: number; missing: number; foreign: number }>(
      this.#client,
      `SELECT (SELECT count(*) FROM ${counting})::float8 AS expected, (SELECT count(*) FROM ${FOUND})::float8 AS found,
              coalesce(sum(by) FILTER (WHERE by > 0), 0)::float8 AS missing, coalesce(-sum(by) FILTER (WHERE by < 0), 0)::float8 AS foreign
         FROM pg_temp.audit_difference`,
    );
    const [sum] = sums;
    if (sum === undefined) throw new Error('the database answered without a row');
    return { ...sum, differences: [...(await this.#missing(most)), ...(await this.#foreign(most))] };
  }

  async #missing(most: number): Promise<RowDifference[]> {
    const { rows } = await long<{ by: number; partition: number; offset: number; index: number }>(
      this.#client,
      `SELECT by::int, partition, raw_offset::float8 AS offset, index FROM pg_temp.audit_difference
         JOIN LATERAL (SELECT * FROM ${EXPECTED} AS e WHERE e.digest = audit_difference.digest ORDER BY partition, raw_offset, index DESC LIMIT 1) AS one ON true
        WHERE by > 0 ORDER BY partition, raw_offset, index LIMIT ${most}`,
    );
    return rows.map(({ by, partition, offset, index }) => ({ by, from: { partition, offset, index }, row: '' }));
  }

  async #foreign(most: number): Promise<RowDifference[]> {
    const { rows } = await long<{ by: number; row: string }>(
      this.#client,
      `SELECT DISTINCT ON (digest) (-by)::int AS by, row_to_json(own)::text AS row
         FROM (SELECT ${this.#names()}, ${this.#digest} AS "audit digest" FROM ${this.#rowsTable}) AS own
         JOIN (SELECT digest, by FROM pg_temp.audit_difference WHERE by < 0 LIMIT ${most}) AS difference ON digest = "audit digest"`,
    );
    return rows.map(({ by, row }) => ({ by, from: null, row }));
  }
}

async function copyInto(client: ClientBase, sql: string, lines: readonly string[]): Promise<void> {
  const stream = client.query(copyFrom(sql));
  await new Promise<void>((resolve, reject) => {
    // The listener stays: after an error of the server the stream may report that it could not send the rest.
    stream.on('error', reject);
    stream.on('finish', () => resolve());
    stream.end(Buffer.from(lines.join('')));
  });
}
