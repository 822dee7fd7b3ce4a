/** Makes the users of Kafka and the roles of the database, and says what each may do. May be repeated. */
import { readFileSync } from 'node:fs';
import { quote } from '@millrace/core/database/identifier.ts';
import { type Access, connectAccess } from '@millrace/core/kafka/access.ts';
import type { Logger } from '@millrace/core/log.ts';
import { migrate } from '@millrace/setup/system.ts';
import pg from 'pg';
import { grantStatements, roleStatements } from './databaseRoles.ts';
import type { BootstrapPlan } from './plan.ts';
import type { SecretData } from './secrets.ts';

const CONNECT_MS = 5_000;
const QUERY_MS = 20_000;

type Secrets = ReadonlyMap<string, SecretData>;

type KafkaPlan = NonNullable<BootstrapPlan['kafka']>;
type DatabasePlan = NonNullable<BootstrapPlan['database']>;

/** As its administrator. */
export function openAccess({ admin, brokers }: KafkaPlan, secrets: Secrets, log: Logger): Access {
  return connectAccess({
    brokers: brokers.split(','),
    clientId: 'millrace-bootstrap',
    tls: () => ({ ca: entryOf(secrets, admin.secret, 'ca.crt') }),
    sasl: () => ({ mechanism: 'SCRAM-SHA-512', username: admin.user, password: entryOf(secrets, admin.secret, 'password') }),
    log,
  });
}

/** @throws Error in a sentence where Kafka does not answer yet */
export async function makeKafkaUsers(plan: KafkaPlan, secrets: Secrets, log: Logger): Promise<void> {
  const access = openAccess(plan, secrets, log);
  try {
    for (const { user, secret, permissions } of plan.users) {
      await access.putUser(user, entryOf(secrets, secret, 'password'));
      await access.allow(user, permissions);
      log.info({ user }, 'Kafka user is as it should be');
    }
  } finally {
    access.close();
  }
}

/** A connection as who may make its roles, or may say what they may do. @throws Error where the database does not answer */
export async function openDatabase(
  { host, port, name, owner, server }: DatabasePlan,
  secrets: Secrets,
  log: Logger,
): Promise<pg.Client> {
  const { user, secret } = server.of === 'us' ? server.superuser : owner;
  const client = new pg.Client({
    host,
    port,
    database: name,
    user,
    password: entryOf(secrets, secret, 'password'),
    ssl: { ca: server.of === 'us' ? entryOf(secrets, secret, 'ca.crt') : readFileSync(server.authority, 'utf8') },
    application_name: 'millrace bootstrap',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
  });
  // A connection that breaks rejects the query under way, too.
  client.on('error', (error) => log.debug({ error: error.message }, 'database connection lost'));
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end();
    throw new Error(`the database at ${host}:${port}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Of an operator's database only what they may do. @param hasDevices their tables are wanted before any Pipeline is set up
 * @throws Error where the database does not answer, or has no such roles, yet
 */
export async function makeDatabaseRoles(plan: DatabasePlan, hasDevices: boolean, secrets: Secrets, log: Logger): Promise<void> {
  const { host, port, owner, writer, reader, registry, server } = plan;
  const password = (secret: string): string => entryOf(secrets, secret, 'password');
  const client = await openDatabase(plan, secrets, log);
  try {
    const statements = server.of === 'us' ? roleStatements(plan, password) : grantStatements(plan);
    for (const statement of statements) await client.query(statement);
    if (hasDevices) await makeTables(client, owner.user, log);
    log.info({ roles: [owner, writer, reader, registry].map(({ user }) => user) }, 'database roles are as they should be');
  } catch (error) {
    throw new Error(`the database at ${host}:${port}: ${(error as Error).message}`, { cause: error });
  } finally {
    await client.end();
  }
}

/** As the owner, so that its default privileges hold for them. */
async function makeTables(client: pg.Client, owner: string, log: Logger): Promise<void> {
  await client.query(`SET ROLE ${quote(owner)}`);
  const changes = await migrate({ query: (text, values = []) => client.query(text, values) });
  await client.query('RESET ROLE');
  if (changes.length > 0) log.info({ changes }, "made Millrace's own tables");
}

function entryOf(secrets: Secrets, secret: string, key: string): string {
  const value = secrets.get(secret)?.[key];
  if (!value) throw new Error(`the Secret ${secret} has no ${key}`);
  return value;
}
