/**
 * A small feed whose parts run under users and roles of their own: the whole way of its records, and who was refused what.
 * It does all that needs a permission: topics that grow, a producer that starts again, refusals of both kinds, roll-ups, an audit.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { audit } from '@millrace/audit/audit.ts';
import { grantStatements, roleStatements } from '@millrace/bootstrap/databaseRoles.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { processor } from '@millrace/processor/role.ts';
import { producer } from '@millrace/producer/role.ts';
import type { KafkaUser } from '@millrace/setup/permissions.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { sink } from '@millrace/sink/role.ts';
import type { Pool } from 'pg';
import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';

const log = pino({ level: 'silent' });
const REFUSED = /not authorized|permission denied/i;

export type DatabaseRole = 'owner' | 'writer' | 'reader' | 'registry';

export interface World {
  /** With the records, which `writeRecords` has written. */
  folder: string;
  /** May do everything. */
  admin: Kafka;
  superuser: Pool;
  clients: Record<KafkaUser, Kafka>;
  pools: Record<DatabaseRole, Pool>;
}

/** A bad time is refused by the processor, a NUL by the database. */
const RECORDS = [
  { id: 'a', at: '2024-01-01T00:00:00Z', celsius: 1, note: 'x' },
  { id: 'b', at: '2024-01-01T00:00:01Z', celsius: 2, note: 'a\u0000b' },
  { id: 'a', at: 'soon', celsius: 3, note: 'x' },
  { id: 'c', at: '2024-01-01T00:00:03Z', celsius: 4, note: 'x' },
];
const PROCESSED = 3;

export function writeRecords(folder: string): void {
  writeFileSync(join(folder, 'data.ndjson'), RECORDS.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

const FIRST = { partitions: 1, retention: '2d' };
/** Set up after the first: partitions are added, settings are changed. */
const SECOND = { partitions: 2, retention: '3d' };

export function pipelineOf(namespace: string, name: string, table: object = {}): Pipeline {
  const spec = {
    source: { replay: { path: 'data.ndjson' } },
    topics: FIRST,
    record: {
      key: 'id',
      time: { field: 'at' },
      fields: { id: { type: 'text', required: true }, celsius: { type: 'float' }, note: { type: 'text' } },
    },
    table: { name: name.replaceAll('-', '_'), latest: { topic: true }, ...table },
    rollups: [{ every: '1m', of: ['celsius'] }],
  };
  const document = { apiVersion: 'millrace.dev/v1alpha1', kind: 'Pipeline', metadata: { name, namespace }, spec };
  const [loaded] = parsePipelines(JSON.stringify(document), `${name}.yaml`);
  if (!loaded) throw new Error('no Pipeline');
  return loaded.pipeline;
}

/** The platform's roles on a server of the test, with a connection of each. */
export async function databaseRoles(address: string, superuser: Pool): Promise<World['pools']> {
  const url = new URL(address);
  const account = (user: string) => ({ user, secret: user });
  const plan = {
    host: url.hostname,
    port: Number(url.port),
    name: url.pathname.slice(1),
    owner: account('owner'),
    writer: account('writer'),
    reader: account('reader'),
    registry: account('millrace_registry'),
  };
  const statements = roleStatements(plan, (secret) => `of ${secret}`);
  for (const statement of [...statements, ...statements]) await superuser.query(statement); // may be repeated
  const open = (user: string): Pool => {
    url.username = user;
    url.password = `of ${user}`;
    return connectDatabase({ url: url.href, applicationName: user, log });
  };
  return { owner: open('owner'), writer: open('writer'), reader: open('reader'), registry: open('millrace_registry') };
}

/**
 * Roles as an operator makes them, on a database `operated` of the same server: they may log in, and one owns it. What they may do, that one
 * says, who is no superuser.
 */
export async function operatedRoles(address: string, superuser: Pool): Promise<World['pools']> {
  const url = new URL(address);
  url.pathname = '/operated';
  const account = (role: string) => ({ user: `operated_${role}`, secret: role });
  const open = (role: DatabaseRole): Pool => {
    url.username = `operated_${role}`;
    url.password = `of ${role}`;
    return connectDatabase({ url: url.href, applicationName: url.username, log });
  };
  for (const role of ['owner', 'writer', 'reader', 'registry'])
    await superuser.query(`CREATE ROLE operated_${role} LOGIN PASSWORD 'of ${role}'`);
  await superuser.query('CREATE DATABASE operated OWNER operated_owner');
  const pools = { owner: open('owner'), writer: open('writer'), reader: open('reader'), registry: open('registry') };
  const accounts = {
    owner: account('owner'),
    writer: account('writer'),
    reader: account('reader'),
    registry: account('registry'),
  };
  const plan = { name: 'operated', ...accounts };
  const statements = grantStatements(plan);
  for (const statement of [...statements, ...statements]) await pools.owner.query(statement); // may be repeated
  return pools;
}

/** Runs a worker until `done`; rejects with what it says when it is refused something. */
async function running(start: (log: Logger) => Promise<Worker>, done: (worker: Worker) => Promise<boolean>): Promise<void> {
  // What is done beside the rows, such as roll-ups, says in the log alone that it was refused.
  let refused: string | undefined;
  const write = (line: string): void => {
    if (REFUSED.test(line)) refused ??= line;
  };
  const worker = await start(pino({ level: 'warn' }, { write }));
  try {
    for (const deadline = performance.now() + 60_000; ; await sleep(50)) {
      if (await done(worker)) return;
      const failure = await Promise.race([worker.failed, sleep(0)]);
      if (failure instanceof Error) throw failure;
      const { state } = worker.health();
      if (refused !== undefined || REFUSED.test(state)) throw new Error(refused ?? state);
      if (performance.now() > deadline) throw new Error(`not done within 60 s: ${state}`);
    }
  } finally {
    await worker.stop();
  }
}

export interface Refusal {
  user: KafkaUser;
  message: string;
}

/**
 * The whole way of the records, each part by its own user and role.
 * @param afterSetup before the roles start
 * @returns who failed first, with what; null where all was done
 */
export async function firstRefusal(
  { folder, admin, superuser, clients, pools }: World,
  first: Pipeline,
  afterSetup: () => Promise<unknown> = async () => undefined,
): Promise<Refusal | null> {
  const second: Pipeline = { ...first, spec: { ...first.spec, topics: SECOND } };
  const names = namesOf(second);
  const context = (user: KafkaUser, log: Logger) => ({
    kafka: clients[user],
    database: pools.writer,
    log,
    metrics: new Registry(),
    baseFolder: folder,
  });
  const committed = async (group: string, topic: string): Promise<number> =>
    [...(await admin.committed(group, topic)).values()].reduce((sum, { offset }) => sum + offset, 0);
  const rolledUp = async (): Promise<boolean> => {
    const { rows } = await superuser.query(`SELECT count(*) AS rows FROM "${names.schema}"."${names.table}_1m"`);
    return Number(rows[0]?.rows) > 0;
  };
  const isInTopic = async (): Promise<boolean> => (await admin.bounds(names.latest)).some(({ end }) => end > 0);
  const setUp = (pipeline: Pipeline) => setupPipeline(pipeline, { kafka: clients.setup, database: pools.owner, log });
  const produce = () =>
    running(
      (log) => producer.start(second, context('producer', log)),
      async (worker) => worker.health().phase === 'completed',
    );
  const steps: [KafkaUser, () => Promise<unknown>][] = [
    ['setup', () => setUp(first)],
    ['setup', () => setUp(second)],
    ['setup', afterSetup],
    ['producer', produce],
    ['producer', produce], // goes on at its checkpoint
    [
      'processor',
      () =>
        running(
          (log) => processor.start(second, context('processor', log)),
          async () => (await committed(names.processorGroup, names.raw)) === RECORDS.length,
        ),
    ],
    [
      'sink',
      () =>
        running(
          (log) => sink.start(second, context('sink', log)),
          async () =>
            (await committed(names.sinkGroup, names.processed)) === PROCESSED && (await rolledUp()) && (await isInTopic()),
        ),
    ],
    [
      'sink',
      async () => {
        const { state } = await audit(second, { kafka: clients.sink, database: pools.writer });
        if (state !== 'equal') throw new Error(`the audit says ${state}`);
      },
    ],
  ];
  for (const [user, step] of steps) {
    try {
      await step();
    } catch (error) {
      return { user, message: (error as Error).message };
    }
  }
  return null;
}
