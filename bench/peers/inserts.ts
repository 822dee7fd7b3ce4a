/** INSERTs of 100 rows, as people write them by hand: one statement and one transaction per 100 rows, one connection. */
import pg from 'pg';

export const ROWS_PER_INSERT = 100;

/** `INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) …` */
export function insertSql(target: string, columns: number, rows: number): string {
  const tuple = (row: number): string =>
    `(${Array.from({ length: columns }, (_, at) => `$${row * columns + at + 1}`).join(', ')})`;
  return `INSERT INTO ${target} VALUES ${Array.from({ length: rows }, (_, row) => tuple(row)).join(', ')}`;
}

/** @param rows values as text, NULL as null. @returns ms of all statements, without connecting */
export async function insertAll(databaseUrl: string, target: string, rows: readonly (string | null)[][]): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const startedMs = performance.now();
    for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
      const some = rows.slice(from, from + ROWS_PER_INSERT);
      await client.query(insertSql(target, some[0]?.length ?? 0, some.length), some.flat());
    }
    return performance.now() - startedMs;
  } finally {
    await client.end();
  }
}
