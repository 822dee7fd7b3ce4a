import { connectDatabase } from '@millrace/core/database/connect.ts';
import { consequenceOf, POSITION_MOVED, sqlStateOf } from '@millrace/core/database/errors.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withSession } from './session.ts';
import { migrate } from './system.ts';
import { memoryLog } from './testing.ts';

let postgres: EmbeddedPostgres;
let pool: Pool;
beforeAll(async () => {
  postgres = await startPostgres();
  pool = connectDatabase({ url: postgres.url, applicationName: 'system.test', log: memoryLog().log });
});
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

const migrateOnce = () => withSession(pool, 30_000, migrate);

test('any number of processes may make the own tables at the same time; one does it', async () => {
  const changes = await Promise.all([migrateOnce(), migrateOnce(), migrateOnce()]);
  const done = changes.flat();
  expect(done.length).toBeGreaterThan(1);
  expect(done).toEqual(done.map((_, at) => `brought Millrace's own tables to version ${at + 1}`));
  expect(await migrateOnce()).toEqual([]);
});

test('an older Millrace does not touch the tables of a newer one', async () => {
  await pool.query('INSERT INTO millrace.migrations (id) VALUES (999)');
  await expect(migrateOnce()).rejects.toThrow('is at version 999, made by a newer Millrace');
  await pool.query('DELETE FROM millrace.migrations WHERE id = 999');
});

describe('a position moves only for who saw it last', () => {
  const ADVANCE = 'SELECT millrace.advance($1, 0, $2, $3, $4, 42, $5, 1700000000000, $6, $7)';
  const OTHER = '00000000-0000-4000-8000-000000000001';
  const position = async (pipeline: string) =>
    (await pool.query('SELECT * FROM millrace.positions WHERE pipeline = $1', [pipeline])).rows[0];
  const make = async (pipeline: string) => {
    await pool.query('INSERT INTO millrace.positions (pipeline, partition) VALUES ($1, 0)', [pipeline]);
    return position(pipeline);
  };
  const rest = ['topic', 'topic:1:0:1', '{"topic": [1, 0]}'];

  test('and takes all of the new values', async () => {
    const { version, writer } = await make('p/moves');
    await pool.query(ADVANCE, ['p/moves', version, writer, OTHER, ...rest]);
    expect(await position('p/moves')).toEqual({
      pipeline: 'p/moves',
      partition: 0,
      version: '1',
      writer: OTHER,
      next_offset: '42',
      topic_id: 'topic',
      bookmark_ms: '1700000000000',
      bookmark_origin: 'topic:1:0:1',
      origins: { topic: [1, 0] },
      dlq_from: '0',
    });
  });

  test.each([
    [
      'another version',
      'p/version',
      (seen: { version: string; writer: string }) => ['p/version', Number(seen.version) + 1, seen.writer],
    ],
    ['another writer', 'p/writer', (seen: { version: string; writer: string }) => ['p/writer', seen.version, OTHER]],
    ['no row', 'p/row', (seen: { version: string; writer: string }) => ['p/none', seen.version, seen.writer]],
  ])('%s: MR001, and COMMIT in the same round trip stores nothing', async (_case, pipeline, seenAs) => {
    const before = await make(pipeline);
    const [name, version, writer] = seenAs(before);
    const client = await pool.connect();
    try {
      await client.query(
        `BEGIN; INSERT INTO millrace.ledger (pipeline, partition, hour, stored) VALUES ('${pipeline}', 0, now(), 1)`,
      );
      const closing = `SELECT millrace.advance('${name}', 0, ${version}, '${writer}', '${OTHER}', 42, 't', 1, 'o', '{}'); COMMIT`;
      const error = await client.query(closing).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(sqlStateOf(error)).toBe(POSITION_MOVED);
      expect(consequenceOf(sqlStateOf(error))).toBe('pause');
    } finally {
      client.release(true);
    }
    expect(await position(pipeline)).toEqual(before);
    expect((await pool.query('SELECT FROM millrace.ledger WHERE pipeline = $1', [pipeline])).rowCount).toBe(0);
  });

  test('of two at the same time, one: the other waits for the first, then is refused', async () => {
    const { version, writer } = await make('p/race');
    const seen = ['p/race', version, writer];
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((n) => pool.query(ADVANCE, [...seen, `00000000-0000-4000-8000-00000000000${n}`, ...rest])),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await position('p/race')).version).toBe('1');
  });
});
