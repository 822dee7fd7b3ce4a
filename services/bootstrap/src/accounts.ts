/** Makes the users of Kafka and the roles of the database, and says what each may do. May be repeated. */
import { connectAccess } from '@millrace/core/kafka/access.ts';
import type { Logger } from '@millrace/core/log.ts';
import pg from 'pg';
import { roleStatements } from './databaseRoles.ts';
import type { BootstrapPlan } from './plan.ts';
import type { SecretData } from './secrets.ts';

const CONNECT_MS = 5_000;
const QUERY_MS = 20_000;

type Secrets = ReadonlyMap<string, SecretData>;

/** @throws Error in a sentence where Kafka does not answer yet */
export async function makeKafkaUsers(plan: NonNullable<BootstrapPlan['kafka']>, secrets: Secrets, log: Logger): Promise<void> {
  const { admin, users, brokers } = plan;
  const access = connectAccess({
    brokers: brokers.split(','),
    clientId: 'millrace-bootstrap',
    tls: () => ({ ca: entryOf(secrets, admin.secret, 'ca.crt') }),
    sasl: () => ({ mechanism: 'SCRAM-SHA-512', username: admin.user, password: entryOf(secrets, admin.secret, 'password') }),
    log,
  });
  try {
    for (const { user, secret, permissions } of users) {
      await access.putUser(user, entryOf(secrets, secret, 'password'));
      await access.allow(user, permissions);
      log.info({ user }, 'Kafka user is as it should be');
    }
  } finally {
    access.close();
  }
}

/** @throws Error where the database does not answer yet */
export async function makeDatabaseRoles(
  plan: NonNullable<BootstrapPlan['database']>,
  secrets: Secrets,
  log: Logger,
): Promise<void> {
  const { host, port, name, superuser, owner, writer, reader } = plan;
  const password = (secret: string): string => entryOf(secrets, secret, 'password');
  const client = new pg.Client({
    host,
    port,
    database: name,
    user: superuser.user,
    password: password(superuser.secret),
    ssl: { ca: entryOf(secrets, superuser.secret, 'ca.crt') },
    application_name: 'millrace bootstrap',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
  });
  // A connection that breaks rejects the query under way, too.
  client.on('error', (error) => log.debug({ error: error.message }, 'database connection lost'));
  try {
    await client.connect();
    for (const statement of roleStatements(plan, password)) await client.query(statement);
    log.info({ roles: [owner.user, writer.user, reader.user] }, 'database roles are as they should be');
  } catch (error) {
    throw new Error(`the database at ${host}:${port}: ${(error as Error).message}`, { cause: error });
  } finally {
    await client.end();
  }
}

function entryOf(secrets: Secrets, secret: string, key: string): string {
  const value = secrets.get(secret)?.[key];
  if (!value) throw new Error(`the Secret ${secret} has no ${key}`);
  return value;
}
