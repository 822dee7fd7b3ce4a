import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setupPipeline } from './setup.ts';
import { memoryLog, testPipeline } from './testing.ts';

let broker: EmbeddedKafka;
let postgres: EmbeddedPostgres;
let kafka: Kafka;
let pool: Pool;
beforeAll(async () => {
  [broker, postgres] = await Promise.all([startKafka(), startPostgres()]);
  kafka = connectKafka({ brokers: broker.brokers, clientId: 'setup.test', log: memoryLog().log });
  pool = connectDatabase({ url: postgres.url, applicationName: 'setup.kafka.test', log: memoryLog().log });
});
afterAll(async () => {
  await Promise.allSettled([kafka?.close(), pool?.end()]);
  await Promise.allSettled([broker?.stop(), postgres?.stop()]);
});

const setup = (partitions: number) =>
  setupPipeline(testPipeline('cars', { topics: { partitions } }), { kafka, database: pool, log: memoryLog().log });
const NAMES = ['default.cars.processed', 'default.cars.dlq', 'default.cars.raw'];

test('topics on a real broker: made once by two at a time, kept as wanted, grown, never shrunk', async () => {
  await Promise.all([setup(2), setup(2)]);
  for (const name of NAMES) {
    expect((await kafka.topic(name))?.partitions).toBe(2);
    const bytes = name.endsWith('.raw') ? '1114112' : '4259840';
    const config = { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '604800000', 'max.message.bytes': bytes };
    expect(await kafka.topicConfig(name)).toMatchObject(config);
  }
  expect((await setup(2)).changes).toEqual([]);

  await kafka.setTopicConfig('default.cars.raw', { 'message.timestamp.type': 'CreateTime', 'segment.ms': '60000' });
  expect((await setup(2)).changes).toEqual([
    'set message.timestamp.type=LogAppendTime (was CreateTime) on topic default.cars.raw',
  ]);
  // What an administrator set beside it stays.
  expect(await kafka.topicConfig('default.cars.raw')).toMatchObject({
    'segment.ms': '60000',
    'message.timestamp.type': 'LogAppendTime',
  });

  const grown = NAMES.map((name) => `added partitions to topic ${name}: 2 to 3`);
  expect((await setup(3)).changes).toEqual(['created 1 positions of default/cars', ...grown]);
  await expect(setup(2)).rejects.toThrow('has 3 partitions, 2 are asked for');
  expect((await setup(3)).changes).toEqual([]);
});
