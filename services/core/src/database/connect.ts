/**
 * Connections to PostgreSQL or TimescaleDB.
 *
 * Invariant: no wait on the database is endless. Every session has time-outs at the server (lock, statement, idle in
 * transaction, unacknowledged TCP data), so that a frozen owner of a lock cannot block its successor; every query has
 * one at the client, so that a server that vanished without a word does not either. Without them the second
 * compare-and-set on a row waits for a frozen first one for ever (FACTS).
 *
 * Settings are made by SET after connecting rather than as start-up parameters, which PgBouncer refuses. A pooler must
 * be in session mode: advisory locks and these settings belong to a session.
 */
import pg from 'pg';
import type { Logger } from 'pino';
import { guarded } from '../guards.ts';
import { readPassword } from '../secretFile.ts';
import { describeDatabaseError, withoutPassword } from './describe.ts';

/** How long a session waits for a lock that another session has. */
export const LOCK_TIMEOUT_MS = 10_000;
export const STATEMENT_TIMEOUT_MS = 30_000;
/** How long a transaction may stand without a statement before the server ends the session and its locks. */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** At the client, above the server's own, for a server that does not answer at all. */
export const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 10_000;
const CONNECT_TIMEOUT_MS = 10_000;
const TCP_USER_TIMEOUT_MS = 20_000;
/** How long a connection that nobody uses is kept: longer than the pause between looks of an idle role, since a login costs it more than a query. */
const IDLE_MS = 120_000;

/** Limits of a session at the server, ms. */
export interface SessionTimeouts {
  lock: number;
  statement: number;
  idleInTransaction: number;
}

const TIMEOUTS: SessionTimeouts = {
  lock: LOCK_TIMEOUT_MS,
  statement: STATEMENT_TIMEOUT_MS,
  idleInTransaction: IDLE_IN_TRANSACTION_TIMEOUT_MS,
};

const SETTINGS = Object.entries({
  tcp_user_timeout: TCP_USER_TIMEOUT_MS,
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
  // Names are written with their schema; nothing that somebody put into public can stand in for them.
  search_path: 'pg_catalog, pg_temp',
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
});

function settingsOf({ lock, statement, idleInTransaction }: SessionTimeouts): { text: string; values: string[] } {
  const all = [
    ['lock_timeout', guarded('lock-timeout') ? lock : 0],
    ['statement_timeout', guarded('statement-timeout') ? statement : 0],
    ['idle_in_transaction_session_timeout', guarded('idle-in-transaction-timeout') ? idleInTransaction : 0],
    ...SETTINGS,
  ];
  return {
    text: `SELECT ${all.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, false)`).join(', ')}`,
    values: all.flat().map(String),
  };
}

export interface DatabaseAddress {
  /** postgres://user:password@host:port/database?sslmode=…; a file of `sslrootcert` is read anew for each connection. */
  url: string;
  /** File with the password, instead of one in the URL; read anew for each connection. */
  passwordFile?: string;
}

export interface DatabaseOptions extends DatabaseAddress {
  /** Shown in pg_stat_activity, such as `millrace sink default/traffic`; cut at 63 bytes. */
  applicationName: string;
  /** Most connections at a time. Default: 10. */
  max?: number;
  /** For tests to shorten. */
  timeouts?: SessionTimeouts;
  log: Logger;
}

/**
 * A pool of connections; connects when first used. `bigint` comes back as text, `timestamptz` as Date. Who checks a
 * client out and meets an error on it releases it with that error: after a time-out it still waits for the old answer.
 * @throws Error when the URL is none.
 */
export function connectDatabase(options: DatabaseOptions): pg.Pool {
  const { url, passwordFile, applicationName, max = 10, log } = options;
  const place = withoutPassword(url);
  const settings = settingsOf(options.timeouts ?? TIMEOUTS);
  const pool = new pg.Pool({
    connectionString: url,
    ...(passwordFile === undefined ? {} : { Client: clientWith(() => readPassword(passwordFile)) }),
    application_name: applicationName,
    max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    onConnect: (client) => client.query(settings.text, settings.values),
  });
  // An idle connection broke; the pool has dropped it already and makes another when one is needed.
  pool.on('error', (error) =>
    log.warn({ error: describeDatabaseError(error, place), database: place }, 'database connection lost'),
  );
  return pool;
}

/** pg asks a function for the password only where there is no URL: the one of the URL, also none, goes over it. */
function clientWith(password: () => string): new () => pg.Client {
  return class extends pg.Client {
    constructor(config?: pg.ClientConfig) {
      super(config);
      Object.assign(this, { password });
    }
  };
}
