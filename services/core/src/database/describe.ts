/** Errors of the database in words for the person who has to mend them. */
import { sqlStateOf } from './errors.ts';

/** The URL as it may be shown and logged; what is no URL is not shown at all, since it may hold anything. */
export function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return '(a database URL that cannot be read; allowed is postgres://user:password@host:port/database)';
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  for (const name of ['password', 'sslpassword']) if (shown.searchParams.has(name)) shown.searchParams.set(name, '***');
  return shown.href;
}

const BY_SQL_STATE: Record<string, string> = {
  '28P01': 'the password is wrong, or there is no such user. Check user and password (of the URL, or of the password file)',
  '28000': 'the server does not let this user in from here. Check the user, sslmode, and pg_hba.conf of the server',
  '3D000': 'the server has no such database. Create it, or name another at the end of the database URL',
  '42501': 'this user may not do that. Grant it CREATE on the database (GRANT CREATE ON DATABASE … TO …), or use the owner',
  '53300': 'the server has no connection left. Raise its max_connections, or run fewer processes',
  '53100': "the server's disk is full. Free space or enlarge the volume; nothing is lost meanwhile",
  '57P03': 'the server is starting up or shutting down. It is tried again',
  '57P01': 'the server ended the connection (a restart, or an administrator). It is tried again',
  '25006': 'the server is read-only (a standby?). Name the primary in the database URL',
  '55P03': 'another session holds a lock that is needed. It is tried again',
  '57014': 'the statement took too long and was cancelled',
};

const BY_CODE: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there. Is the server running, and are host and port right?',
  ENOTFOUND: 'the host name is not known. Check the host in the database URL',
  EAI_AGAIN: 'the host name cannot be looked up just now. Check the host and the DNS',
  ETIMEDOUT: 'no answer. Check host, port and firewall',
  EHOSTUNREACH: 'there is no way to that host. Check host and network',
  ECONNRESET: 'the connection was cut. It is tried again',
  SELF_SIGNED_CERT_IN_CHAIN:
    "the server's certificate is not trusted. Give its CA by --database-ca, or by sslrootcert=… in the database URL",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "the server's certificate is not trusted. Give its CA by --database-ca, or by sslrootcert=… in the database URL",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the server's certificate is not trusted. Give its CA by --database-ca, or by sslrootcert=… in the database URL",
};

function hintFor(error: Error): string | undefined {
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) return BY_SQL_STATE[sqlState];
  if (/timeout/i.test(error.message)) return BY_CODE.ETIMEDOUT;
  return 'code' in error ? BY_CODE[String(error.code)] : undefined;
}

/**
 * One sentence or two: place, what happened, what to do. `place` is shown as it is: pass it through `withoutPassword`.
 * An AggregateError (a name with several addresses) is described by its first error.
 */
export function describeDatabaseError(error: unknown, place: string): string {
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  if (!(first instanceof Error)) return `database ${place}: ${String(first)}`;
  const sqlState = sqlStateOf(first);
  const said = sqlState === undefined ? first.message : `${first.message} (SQLSTATE ${sqlState})`;
  const hint = hintFor(first);
  return `database ${place}: ${hint === undefined ? said : `${said}: ${hint}`}`;
}
