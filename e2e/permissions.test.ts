/**
 * Kafka with TLS, logins by SCRAM and an authorizer, and a database with the platform's roles: everything works with what
 * `permissionsOf` and `roleStatements` give, and nothing of it is too much: without any one of them somebody is refused.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { audit } from '@millrace/audit/audit.ts';
import { makeAuthority, makeServer } from '@millrace/bootstrap/certificates.ts';
import { roleStatements } from '@millrace/bootstrap/databaseRoles.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { type Access, connectAccess, type Permission } from '@millrace/core/kafka/access.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { processor } from '@millrace/processor/role.ts';
import { producer } from '@millrace/producer/role.ts';
import { type KafkaUser, permissionsInNamespace, permissionsOf } from '@millrace/setup/permissions.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { sink } from '@millrace/sink/role.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const USERS = ['setup', 'producer', 'processor', 'sink'] as const satisfies KafkaUser[];
const log = pino({ level: 'silent' });
const passwords = Object.fromEntries(USERS.map((user) => [user, randomBytes(12).toString('hex')]));

let folder: string;
let server: EmbeddedKafka;
let postgres: EmbeddedPostgres;
let admin: Kafka;
let access: Access;
let clients: Record<KafkaUser, Kafka>;
let superuser: Pool;
let pools: Record<'owner' | 'writer' | 'reader', Pool>;

/** A bad time is refused by the processor, a NUL by the database. */
const RECORDS = [
  { id: 'a', at: '2024-01-01T00:00:00Z', celsius: 1, note: 'x' },
  { id: 'b', at: '2024-01-01T00:00:01Z', celsius: 2, note: 'a\u0000b' },
  { id: 'a', at: 'soon', celsius: 3, note: 'x' },
  { id: 'c', at: '2024-01-01T00:00:03Z', celsius: 4, note: 'x' },
];

function pipelineOf(namespace: string, name: string, topics: object, table: object = {}): Pipeline {
  const spec = {
    source: { replay: { path: 'data.ndjson' } },
    topics,
    record: {
      key: 'id',
      time: { field: 'at' },
      fields: { id: { type: 'text', required: true }, celsius: { type: 'float' }, note: { type: 'text' } },
    },
    table: { name: name.replaceAll('-', '_'), ...table },
    rollups: [{ every: '1m', of: ['celsius'] }],
  };
  const document = { apiVersion: 'millrace.dev/v1alpha1', kind: 'Pipeline', metadata: { name, namespace }, spec };
  const [loaded] = parsePipelines(JSON.stringify(document), join(folder, `${name}.yaml`));
  if (!loaded) throw new Error('no Pipeline');
  return loaded.pipeline;
}

const FIRST = { partitions: 1, retention: '2d' };
/** Set up after the first: partitions are added, settings are changed. */
const SECOND = { partitions: 2, retention: '3d' };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-permissions-'));
  writeFileSync(join(folder, 'data.ndjson'), RECORDS.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const authority = await makeAuthority(new Date());
  const { key, certificate } = await makeServer(authority, 'kafka', ['localhost'], new Date());
  writeFileSync(join(folder, 'keystore.pem'), `${key}\n${certificate}\n`);
  const [plain = 0, login = 0, controller = 0] = await freePorts(3);
  [server, postgres] = await Promise.all([
    startKafka({
      ports: [plain],
      config: {
        listeners: `PLAINTEXT://127.0.0.1:${plain},SASL_SSL://127.0.0.1:${login},CONTROLLER://127.0.0.1:${controller}`,
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},SASL_SSL://localhost:${login}`,
        'controller.quorum.voters': `1@127.0.0.1:${controller}`,
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': join(folder, 'keystore.pem'),
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'false',
        // The broker itself and the test come without a login.
        'super.users': 'User:ANONYMOUS',
      },
    }),
    startPostgres(),
  ]);
  admin = connectKafka({ brokers: server.brokers, clientId: 'admin', log });
  access = connectAccess({ brokers: server.brokers, clientId: 'admin', log });
  for (const user of USERS) await access.putUser(user, String(passwords[user]));
  const connect = (user: KafkaUser): Kafka =>
    connectKafka({
      brokers: [`localhost:${login}`],
      clientId: user,
      tls: () => ({ ca: authority.certificate }),
      sasl: () => ({ mechanism: 'SCRAM-SHA-512', username: user, password: String(passwords[user]) }),
      log,
    });
  clients = { setup: connect('setup'), producer: connect('producer'), processor: connect('processor'), sink: connect('sink') };

  superuser = connectDatabase({ url: postgres.url, applicationName: 'superuser', log });
  const url = new URL(postgres.url);
  const account = (user: string) => ({ user, secret: user });
  const plan = {
    host: url.hostname,
    port: Number(url.port),
    name: url.pathname.slice(1),
    superuser: account('postgres'),
    owner: account('owner'),
    writer: account('writer'),
    reader: account('reader'),
  };
  for (const statement of roleStatements(plan, (secret) => `of ${secret}`)) await superuser.query(statement);
  const open = (user: string): Pool => {
    url.username = user;
    url.password = `of ${user}`;
    return connectDatabase({ url: url.href, applicationName: user, log });
  };
  pools = { owner: open('owner'), writer: open('writer'), reader: open('reader') };
}, 180_000);

afterAll(async () => {
  access?.close();
  await Promise.all([admin, ...Object.values(clients ?? {})].map((client) => client?.close()));
  await Promise.all([superuser, ...Object.values(pools ?? {})].map((pool) => pool?.end()));
  await Promise.all([server?.stop(), postgres?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Waits until the broker's authorizer knows what was allowed last: permissions come to it in order. */
async function allowed(): Promise<void> {
  const name = `sentinel-${randomBytes(4).toString('hex')}`;
  await access.allow('setup', [{ resource: 'topic', name, pattern: 'literal', operations: ['Describe'] }]);
  const known = async (): Promise<boolean> => (await clients.setup.topic(name).catch(() => 'refused')) === null;
  await vi.waitUntil(known, { timeout: 60_000, interval: 50 });
}

/** Runs a worker until `done`; rejects with what it says when it is refused something. */
async function running(start: Promise<Worker>, done: () => Promise<boolean>): Promise<void> {
  const worker = await start;
  try {
    for (const deadline = performance.now() + 60_000; ; await sleep(50)) {
      if (await done()) return;
      const failure = await Promise.race([worker.failed, sleep(0)]);
      if (failure instanceof Error) throw failure;
      const { state } = worker.health();
      if (/not authorized|permission denied/i.test(state)) throw new Error(state);
      if (performance.now() > deadline) throw new Error(`not done within 60 s: ${state}`);
    }
  } finally {
    await worker.stop();
  }
}

const context = (user: KafkaUser) => ({
  kafka: clients[user],
  database: pools.writer,
  log,
  metrics: new Registry(),
  baseFolder: folder,
});

/** The whole way of the records, each part by its own users; gives who failed first, with what. */
async function refusal(first: Pipeline): Promise<{ user: KafkaUser; message: string } | null> {
  const second: Pipeline = { ...first, spec: { ...first.spec, topics: SECOND } };
  const names = namesOf(second);
  const once = async (user: KafkaUser, work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: Error) => {
      throw Object.assign(error, { user });
    });
  };
  let completed: Worker | null = null;
  const produce = () =>
    running(
      producer.start(second, context('producer')).then((worker) => {
        completed = worker;
        return worker;
      }),
      async () => completed?.health().phase === 'completed',
    );
  const committed = async (group: string, topic: string): Promise<number> =>
    [...(await admin.committed(group, topic)).values()].reduce((sum, { offset }) => sum + offset, 0);
  try {
    await once('setup', () => setupPipeline(first, { kafka: clients.setup, database: pools.owner, log }));
    await once('setup', () => setupPipeline(second, { kafka: clients.setup, database: pools.owner, log }));
    await once('producer', produce);
    await once('producer', produce); // goes on at its checkpoint
    await once('processor', () =>
      running(
        processor.start(second, context('processor')),
        async () => (await committed(names.processorGroup, names.raw)) === RECORDS.length,
      ),
    );
    await once('sink', () =>
      running(
        sink.start(second, context('sink')),
        async () => (await committed(names.sinkGroup, names.processed)) === 3 && (await rollup(second)),
      ),
    );
    await once('sink', async () => {
      const { state } = await audit(second, { kafka: clients.sink, database: pools.writer });
      if (state !== 'equal') throw new Error(`the audit says ${state}`);
    });
    return null;
  } catch (error) {
    if (!(error instanceof Error) || !('user' in error)) throw error;
    return { user: error.user as KafkaUser, message: error.message };
  }
}

/** Whether the roll-up has its row of the minute. */
async function rollup({ metadata, spec }: Pipeline): Promise<boolean> {
  const { rows } = await superuser.query(`SELECT count(*) AS rows FROM "${metadata.namespace}"."${spec.table.name}_1m"`);
  return Number(rows[0]?.rows) > 0;
}

interface Variant {
  user: KafkaUser;
  without: string;
  pipeline: () => Pipeline;
  /** By user, of this Pipeline. */
  permissions(pipeline: Pipeline): Map<KafkaUser, Permission[]>;
}

const example = (): Pipeline => ({ metadata: { name: 'x' }, spec: { source: {}, table: { name: 'x' } } }) as unknown as Pipeline;

/** Each single operation on each single topic or group, taken out. */
const variants: Variant[] = USERS.flatMap((user) =>
  permissionsOf(user, example()).flatMap(({ resource, name, operations }, at) =>
    operations.map((operation) => ({
      user,
      without: `${operation} on ${resource} ${name.replace('default.x.', '')}`,
      pipeline: () => pipelineOf('each', `${user}-${at}-${operation}`.toLowerCase(), FIRST),
      permissions: (pipeline: Pipeline) =>
        new Map(
          USERS.map((other) => [
            other,
            permissionsOf(other, pipeline).map((permission, index) =>
              other === user && index === at
                ? { ...permission, operations: permission.operations.filter((one) => one !== operation) }
                : permission,
            ),
          ]),
        ),
    })),
  ),
);

describe('Kafka', () => {
  beforeAll(async () => {
    for (const variant of variants)
      for (const [user, permissions] of variant.permissions(variant.pipeline()))
        await access.allow(
          user,
          permissions.filter(({ operations }) => operations.length > 0),
        );
    for (const user of USERS) await access.allow(user, permissionsOf(user, pipelineOf('whole', 'p', FIRST)));
    for (const user of USERS) await access.allow(user, permissionsInNamespace(user, 'shared'));
    await allowed();
  });

  test('with all of a Pipeline its records come through, and nobody else has anything', async () => {
    expect(await refusal(pipelineOf('whole', 'p', FIRST))).toBeNull();
    await expect(clients.producer.topic('whole.p.processed')).rejects.toThrow(/not authorized/i);
    await expect(clients.producer.sender().send('whole.p.dlq', 0, [{ key: null, value: null, headers: {} }])).rejects.toThrow(
      /not authorized/i,
    );
    await expect(clients.processor.topic('each.sink-0-read.raw')).resolves.toBeNull();
    await expect(clients.processor.topic('other.p.raw')).rejects.toThrow(/not authorized/i);
  });

  test('with those of a namespace the records of its Pipelines come through', async () => {
    expect(await refusal(pipelineOf('shared', 'p', FIRST))).toBeNull();
  });

  test.each(variants)('$user without $without is refused', async ({ user, pipeline }) => {
    expect(await refusal(pipeline())).toEqual({ user, message: expect.stringMatching(/not authorized/i) });
  });
});
