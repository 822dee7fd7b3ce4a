/** Kafka and PostgreSQL as the platform runs them: by TLS of one authority, with logins; who has no permission may do nothing. */
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyPair, makeAuthority, makeServer } from '@millrace/bootstrap/certificates.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { type Access, connectAccess } from '@millrace/core/kafka/access.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { startPostgres } from '@millrace/embedded/postgres.ts';
import type { KafkaUser } from '@millrace/setup/permissions.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';

export const USERS = ['setup', 'producer', 'processor', 'sink'] as const satisfies KafkaUser[];
const log = pino({ level: 'silent' });

export interface SecuredServers {
  folder: string;
  /** PEM. */
  authority: string;
  authorityKey: string;
  /** What they show at first. */
  kafkaServer: KeyPair;
  databaseServer: KeyPair;
  /** File that Kafka reads. */
  keystore: string;
  /** Puts files where PostgreSQL reads them when it is told to. */
  putDatabaseCertificate(pair: KeyPair): void;
  /** Of the listener with TLS and logins, as `host:port`. */
  broker: string;
  /** Of the superuser, whose certificate is for `localhost`. */
  databaseUrl: string;
  /** Both may do everything. */
  admin: Kafka;
  access: Access;
  superuser: Pool;
  /** A client that comes as this user; the password is asked for at each of its connections. */
  connect(user: KafkaUser, password: () => string): Kafka;
  stop(): Promise<void>;
}

export interface SecuredOptions {
  /** When their certificates were made. */
  now?: Date;
  /** Password of a user of Kafka who may do everything. */
  admin?: string;
}

/** @returns servers whose Kafka has the users of Millrace, with the password `of <user>` and no permission */
export async function startSecuredServers({
  now = new Date(),
  admin: adminPassword,
}: SecuredOptions = {}): Promise<SecuredServers> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secured-'));
  const authority = await makeAuthority('Millrace', new Date());
  const kafkaServer = await makeServer(authority, 'kafka', ['localhost'], now);
  const databaseServer = await makeServer(authority, 'database', ['localhost'], now);
  const keystore = join(folder, 'keystore.pem');
  writeFileSync(keystore, `${kafkaServer.key}\n${kafkaServer.certificate}\n`);
  const [plain = 0, login = 0, controller = 0] = await freePorts(3);
  const [server, postgres] = await Promise.all([
    startKafka({
      ports: [plain],
      config: {
        listeners: `PLAINTEXT://127.0.0.1:${plain},SASL_SSL://127.0.0.1:${login},CONTROLLER://127.0.0.1:${controller}`,
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},SASL_SSL://localhost:${login}`,
        'controller.quorum.voters': `1@127.0.0.1:${controller}`,
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': keystore,
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'false',
        // The broker itself and the test come without a login.
        'super.users': 'User:ANONYMOUS;User:admin',
      },
    }),
    startPostgres(),
  ]);
  const superuser = connectDatabase({ url: postgres.url, applicationName: 'superuser', log });
  const putDatabaseCertificate = (pair: KeyPair): void => putPair(join(postgres.folder, 'data'), pair);
  putDatabaseCertificate(databaseServer);
  await superuser.query('ALTER SYSTEM SET ssl = on');
  await superuser.query('SELECT pg_reload_conf()');
  const admin = connectKafka({ brokers: server.brokers, clientId: 'admin', log });
  const access = connectAccess({ brokers: server.brokers, clientId: 'admin', log });
  for (const user of USERS) await access.putUser(user, `of ${user}`);
  if (adminPassword !== undefined) await access.putUser('admin', adminPassword);
  const broker = `localhost:${login}`;
  const clients: Kafka[] = [];
  return {
    folder,
    authority: authority.certificate,
    authorityKey: authority.key,
    kafkaServer,
    databaseServer,
    keystore,
    putDatabaseCertificate,
    broker,
    databaseUrl: postgres.url,
    admin,
    access,
    superuser,
    connect(user, password) {
      const client = connectKafka({
        brokers: [broker],
        clientId: user,
        tls: () => ({ ca: authority.certificate }),
        sasl: () => ({ mechanism: 'SCRAM-SHA-512', username: user, password: password() }),
        log,
      });
      clients.push(client);
      return client;
    },
    async stop() {
      access.close();
      await Promise.all([admin, ...clients].map((client) => client.close()));
      await superuser.end();
      await Promise.all([server.stop(), postgres.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function putPair(data: string, { key, certificate }: KeyPair): void {
  const { uid, gid } = statSync(data);
  for (const [name, text] of Object.entries({ 'server.crt': certificate, 'server.key': key })) {
    const file = join(data, name);
    writeFileSync(file, `${text}\n`);
    chmodSync(file, 0o600);
    chownSync(file, uid, gid);
  }
}
