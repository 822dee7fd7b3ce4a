/**
 * INSERTs of 100 rows, as people write them by hand: one transaction per 100 rows, one connection. There are three ways to write
 * them, and they differ several times over: 100 statements of one row, each awaited, which is what a loop over readings becomes;
 * 100 statements in one round trip, which is what a file of INSERTs becomes; and one statement with 100 rows.
 */
import pg from 'pg';

const ROWS_PER_TRANSACTION = 100;

/** The statements of one transaction of so many rows. */
export type InsertWay = (client: pg.Client, target: string, rows: readonly (string | null)[][]) => Promise<unknown>;

/** One statement, one round trip. */
export const oneStatement: InsertWay = (client, target, rows) =>
  client.query(insertSql(target, rows[0]?.length ?? 0, rows.length), rows.flat());

/** BEGIN, a statement per row, COMMIT: each awaited. */
export const statementPerRow: InsertWay = async (client, target, rows) => {
  const sql = insertSql(target, rows[0]?.length ?? 0, 1);
  await client.query('BEGIN');
  for (const row of rows) await client.query(sql, row);
  await client.query('COMMIT');
};

/** A text of 100 statements: the server takes it as one transaction. */
export const oneRoundTrip: InsertWay = (client, target, rows) =>
  client.query(rows.map((row) => `INSERT INTO ${target} VALUES (${row.map(literal).join(', ')})`).join(';\n'));

const literal = (value: string | null): string => (value === null ? 'NULL' : pg.escapeLiteral(value));

/** `INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) …` */
export function insertSql(target: string, columns: number, rows: number): string {
  const tuple = (row: number): string =>
    `(${Array.from({ length: columns }, (_, at) => `$${row * columns + at + 1}`).join(', ')})`;
  return `INSERT INTO ${target} VALUES ${Array.from({ length: rows }, (_, row) => tuple(row)).join(', ')}`;
}

/** @param rows values as text, NULL as null. @returns ms of all statements, without connecting */
export async function insertAll(
  databaseUrl: string,
  target: string,
  rows: readonly (string | null)[][],
  way: InsertWay,
): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const startedMs = performance.now();
    for (let from = 0; from < rows.length; from += ROWS_PER_TRANSACTION)
      await way(client, target, rows.slice(from, from + ROWS_PER_TRANSACTION));
    return performance.now() - startedMs;
  } finally {
    await client.end();
  }
}
