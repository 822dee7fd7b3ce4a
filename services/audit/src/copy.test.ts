import { connectDatabase } from '@millrace/core/database/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyProcessorCounts } from './copy.ts';

const log = pino({ level: 'silent' });
const pipeline = {
  metadata: { name: 'copied' },
  spec: { source: {}, record: {}, table: { name: 'copied' } },
} as unknown as Pipeline;
let server: EmbeddedPostgres;
let observer: Pool;

beforeAll(async () => {
  server = await startPostgres();
  observer = connectDatabase({ url: server.url, applicationName: 'observer', max: 1, log });
}, 120_000);
afterAll(async () => {
  await observer?.end();
  await server?.stop();
});

test('a Kafka that answers later than a session may idle fails the copy, and not the process', async () => {
  const timeouts = { lock: 10_000, statement: 10_000, idleInTransaction: 50 };
  const pool = connectDatabase({ url: server.url, applicationName: 'copier', max: 1, timeouts, log });
  const sessions = async (): Promise<number> =>
    (await observer.query(`SELECT FROM pg_stat_activity WHERE application_name = 'copier'`)).rowCount ?? 0;
  const topic: Kafka['topic'] = async () => {
    await expect.poll(sessions, { timeout: 30_000 }).toBe(0); // the server has ended it
    return null;
  };
  await expect(copyProcessorCounts({ topic } as Kafka, pool, pipeline)).rejects.toThrow(/terminat|not queryable|timeout/);
  await pool.end();
});
