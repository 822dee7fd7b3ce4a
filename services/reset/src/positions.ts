import type { Pool } from 'pg';
import { positionsOf } from './goals.ts';

/** What the sinks of a Pipeline have stored, by partition: the last origin of each raw topic id. */
export async function positions(database: Pool, pipeline: string) {
  const { rows } = await database.query('SELECT partition, origins FROM millrace.positions WHERE pipeline = $1', [pipeline]);
  return positionsOf(rows);
}
