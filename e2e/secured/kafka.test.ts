/**
 * Kafka with TLS, logins by SCRAM-SHA-512 and an authorizer: everything works with what `permissionsOf` names, and nothing of
 * it is too much: without any one of them somebody is refused.
 */
import { randomBytes } from 'node:crypto';
import type { Permission } from '@millrace/core/kafka/access.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type KafkaUser, permissionsInNamespace, permissionsOf } from '@millrace/setup/permissions.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { databaseRoles, firstRefusal, pipelineOf, type World, writeRecords } from './feed.ts';
import { type SecuredServers, startSecuredServers, USERS } from './servers.ts';

let servers: SecuredServers;
let world: World;

interface Variant {
  user: KafkaUser;
  without: string;
  pipeline: Pipeline;
  /** By user, of this Pipeline. */
  permissions: Map<KafkaUser, Permission[]>;
}

/** Each single operation on each single topic or group, taken out, for a Pipeline of its own. */
const variants: Variant[] = USERS.flatMap((user) =>
  permissionsOf(user, pipelineOf('default', 'x')).flatMap(({ resource, name, operations }, at) =>
    operations.map((operation) => {
      const pipeline = pipelineOf('each', `${user}-${at}-${operation}`.toLowerCase());
      const reduced = (permission: Permission): Permission[] => {
        const left = permission.operations.filter((one) => one !== operation);
        return left.length === 0 ? [] : [{ ...permission, operations: left }];
      };
      const permissions = new Map<KafkaUser, Permission[]>(
        USERS.map((other) => [
          other,
          permissionsOf(other, pipeline).flatMap((permission, index) =>
            other === user && index === at ? reduced(permission) : [permission],
          ),
        ]),
      );
      return { user, without: `${operation} on ${resource} ${name.replace('default.x.', '')}`, pipeline, permissions };
    }),
  ),
);

beforeAll(async () => {
  servers = await startSecuredServers();
  const { access, admin, folder, superuser, databaseUrl, connect } = servers;
  writeRecords(folder);
  const client = (user: KafkaUser): Kafka => connect(user, () => `of ${user}`);
  world = {
    folder,
    admin,
    superuser,
    clients: { setup: client('setup'), producer: client('producer'), processor: client('processor'), sink: client('sink') },
    pools: await databaseRoles(databaseUrl, superuser),
  };
  for (const { permissions } of variants) for (const [user, all] of permissions) await access.allow(user, all);
  for (const user of USERS) await access.allow(user, permissionsOf(user, pipelineOf('whole', 'p')));
  for (const user of USERS) await access.allow(user, permissionsInNamespace(user, 'shared'));
  await access.allow('setup', permissionsInNamespace('setup', 'given', 'given'));
  await allowed();
}, 180_000);

afterAll(async () => {
  await Promise.all(Object.values(world?.pools ?? {}).map((pool) => pool.end()));
  await servers?.stop();
});

/** Waits until the broker's authorizer knows what was allowed last: permissions come to it in order. */
async function allowed(): Promise<void> {
  const name = `sentinel-${randomBytes(4).toString('hex')}`;
  await servers.access.allow('setup', [{ resource: 'topic', name, pattern: 'literal', operations: ['Describe'] }]);
  const known = async (): Promise<boolean> => (await world.clients.setup.topic(name).catch(() => 'refused')) === null;
  await vi.waitUntil(known, { timeout: 60_000, interval: 50 });
}

test('with all of a Pipeline its records come through, and nobody else has anything', async () => {
  expect(await firstRefusal(world, pipelineOf('whole', 'p'))).toBeNull();
  const { producer, processor } = world.clients;
  await expect(producer.topic('whole.p.processed')).rejects.toThrow(/not authorized/i);
  const sending = producer.sender().send('whole.p.dlq', 0, [{ key: null, value: null, headers: {} }]);
  await expect(sending).rejects.toThrow(/whole\.p\.dlq: .*not authorized/i);
  await expect(processor.topic('other.p.raw')).rejects.toThrow(/not authorized/i);
});

test('with those of a namespace the records of its Pipelines come through', async () => {
  expect(await firstRefusal(world, pipelineOf('shared', 'p'))).toBeNull();
});

test('a set-up that may only look waits for the topics that others make, and can make none', async () => {
  const { admin, clients, pools } = world;
  const pipeline = pipelineOf('given', 'p');
  const setUp = (topics: 'made' | 'given', kafka = clients.setup) =>
    setupPipeline(pipeline, { kafka, database: pools.owner, log: pino({ level: 'silent' }), topics });
  await expect(setUp('given')).rejects.toThrow(/the topic given\.p\.processed is not there; .*given\.p\.raw is not there/);
  await expect(setUp('made')).rejects.toThrow(/not authorized/i);
  await setUp('made', admin);
  expect((await setUp('given')).conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
    'TopicsReady True',
    'SchemaReady True',
  ]);
  await expect(clients.setup.addPartitions('given.p.raw', 2)).rejects.toThrow(/not authorized/i);
});

test.each(variants)('$user without $without is refused', async ({ user, pipeline }) => {
  expect(await firstRefusal(world, pipeline)).toEqual({ user, message: expect.stringMatching(/not authorized/i) });
});

test('a password that is changed while a client runs counts from its next connection on', async () => {
  let password = 'of producer';
  const { access, connect } = servers;
  const client = connect('producer', () => password);
  expect(await client.topic('shared.p.raw')).not.toBeNull();
  await access.putUser('producer', 'renewed');
  expect(await client.topic('shared.p.raw')).not.toBeNull(); // a connection that is there stays
  const refused = async () => connect('producer', () => password).topic('shared.p.raw');
  await vi.waitUntil(
    () =>
      refused().then(
        () => false,
        (error: Error) => /authentication/i.test(error.message),
      ),
    { timeout: 60_000, interval: 50 },
  );
  const before = client.sender();
  await expect(before.send('shared.p.raw', 0, [{ key: null, value: Buffer.from('{}'), headers: {} }])).rejects.toThrow(
    /authentication/i,
  );
  password = 'renewed';
  await expect(before.send('shared.p.raw', 0, [{ key: null, value: Buffer.from('{}'), headers: {} }])).resolves.toBeTruthy();
  await client.close();
});
