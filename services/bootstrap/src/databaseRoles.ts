/**
 * Roles of the database: the owner makes schemas and tables, the writer changes rows, the reader reads. What each may do
 * with what the owner makes later is said once, by default privileges. The processor's may read the device registry, which set-up lets it
 * when it makes those tables (setup/system.ts). e2e/secured/database.test.ts holds all of it.
 */
import { quote } from '@millrace/core/database/identifier.ts';
import pg from 'pg';
import type { BootstrapPlan } from './plan.ts';

type Database = Pick<NonNullable<BootstrapPlan['database']>, 'name' | 'owner' | 'writer' | 'reader' | 'registry'>;

/** Statements that may be repeated, for the superuser. @param password of a role, by its Secret */
export function roleStatements(plan: Database, password: (secret: string) => string): string[] {
  const logins = [plan.owner, plan.writer, plan.reader, plan.registry];
  return [
    ...logins.flatMap(({ user, secret }) => [
      `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${pg.escapeLiteral(user)}) THEN CREATE ROLE ${quote(user)}; END IF; END $$`,
      `ALTER ROLE ${quote(user)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD ${pg.escapeLiteral(password(secret))}`,
    ]),
    `REVOKE ALL ON DATABASE ${quote(plan.name)} FROM PUBLIC`,
    `GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${quote(plan.name)} TO ${quote(plan.owner.user)}`,
    ...grantStatements(plan),
  ];
}

/**
 * Statements that may be repeated, for the database's owner: of roles that somebody else has made. Everybody may still
 * connect, such as the exporter of an operator, and nothing more.
 */
export function grantStatements(plan: Database): string[] {
  const [owner, writer, reader, registry] = [plan.owner, plan.writer, plan.reader, plan.registry].map(({ user }) => quote(user));
  const database = quote(plan.name);
  const byDefault = `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner}`;
  return [
    `REVOKE CREATE, TEMPORARY ON DATABASE ${database} FROM PUBLIC`,
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
    // Rows of a table with spec.table.unique are merged by a temporary one.
    `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${writer}`,
    `GRANT CONNECT ON DATABASE ${database} TO ${reader}, ${registry}`,
    `${byDefault} GRANT USAGE ON SCHEMAS TO ${writer}, ${reader}`,
    `${byDefault} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${writer}`,
    `${byDefault} GRANT SELECT ON TABLES TO ${reader}`,
  ];
}
