/** What the database server has: TimescaleDB (Community edition) or plain PostgreSQL. */

import { sqlStateOf } from '@millrace/core/database/errors.ts';
import { quote } from '@millrace/core/database/identifier.ts';
import { SetupRefused } from './refused.ts';
import type { Session } from './session.ts';

export type ServerKind = 'timescaledb' | 'postgresql';

export type Server =
  /** `schema`: where the extension's functions are. */
  | { kind: 'timescaledb'; schema: string }
  /** `missing`: why there is no TimescaleDB, for people. */
  | { kind: 'postgresql'; missing: string };

/** NULLS NOT DISTINCT came with PostgreSQL 15. */
const OLDEST_VERSION = 150_000;

const INSTALLED = `
  SELECT n.nspname AS schema, current_setting('timescaledb.license', true) AS license
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'`;

/** Asks the server, and turns TimescaleDB on in this database where the server has it ready. */
export async function detectServer(session: Session): Promise<Server> {
  const { rows } = await session.query(`
    SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
           EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') AS available,
           current_setting('timescaledb.disable_load', true) IS NOT NULL AS preloaded`);
  const found = rows[0];
  if (Number(found?.number) < OLDEST_VERSION)
    throw new SetupRefused(
      'SchemaReady',
      'ServerTooOld',
      `The database server is PostgreSQL ${found?.version}; allowed is 15 or later`,
    );
  const installed = await session.query(INSTALLED);
  if (installed.rows[0]) return edition(installed.rows[0]);
  if (found?.available !== true) return { kind: 'postgresql', missing: 'the server has no TimescaleDB' };
  // Without its library in memory, CREATE EXTENSION ends the connection instead of failing.
  if (found.preloaded !== true)
    return { kind: 'postgresql', missing: 'TimescaleDB is not in shared_preload_libraries of the server' };
  try {
    await session.query(`CREATE EXTENSION IF NOT EXISTS timescaledb WITH SCHEMA ${quote('public')}`);
  } catch (error) {
    if (sqlStateOf(error) !== '42501') throw error;
    return { kind: 'postgresql', missing: 'this user may not run CREATE EXTENSION timescaledb; let an administrator run it' };
  }
  const created = await session.query(INSTALLED);
  if (!created.rows[0]) throw new Error('CREATE EXTENSION timescaledb succeeded, but the extension is not there');
  return edition(created.rows[0]);
}

function edition(row: Record<string, unknown>): Server {
  if (row.license === 'timescale') return { kind: 'timescaledb', schema: String(row.schema) };
  return {
    kind: 'postgresql',
    missing: `this TimescaleDB is the edition ${JSON.stringify(row.license)}, which has no continuous aggregates, compression or policies`,
  };
}
