import { connectDatabase } from '@millrace/core/database/connect.ts';
import { type KafkaRecord, Reload } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { guardTest } from '@millrace/core/testing/guardTest.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DlqError } from './dlq.ts';
import { createTables, type RecordOptions, START_MS, testPipeline } from './testPipeline.ts';
import { batchOf, countsIn, good, ledgerOf, never, recordsOf, TOPIC, testSink, upTo } from './testSink.ts';

const log = pino({ level: 'silent' });
let postgres: EmbeddedPostgres;
let pool: Pool;
let made = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  pool = open(postgres.url);
});
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

const open = (url: string): Pool => connectDatabase({ url, applicationName: 'sink test', max: 6, log });

async function newPipeline(spec: Partial<Pipeline['spec']['table']> = {}): Promise<Pipeline> {
  made += 1;
  const pipeline = testPipeline(`t${made}`, spec);
  await createTables(pool, pipeline);
  return pipeline;
}

/** `done`, or what was thrown: by its name where it has one of its own. */
const outcomeOf = (handled: Promise<void>): Promise<string> =>
  handled.then(
    () => 'done',
    (error: Error) => (['Reload', 'RefusedWhole'].includes(error.name) ? error.name : error.message),
  );

describe('each row once', () => {
  test('a batch that comes again is stored once, its repeats are counted', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    expect(await sink.load(0, TOPIC, never)).toMatchObject({ next: 0, bookmark: null });
    await sink.handle(batchOf(good(pipeline, 0, 5)));
    await sink.handle(batchOf(good(pipeline, 3, 8)));
    const other = testSink(pipeline, pool);
    const position = await other.load(0, TOPIC, never);
    expect(position).toMatchObject({ next: 8, topicId: TOPIC.id });
    const [last] = good(pipeline, 7, 8);
    const [another] = good(pipeline, 6, 7);
    expect(last && position.bookmark?.matches(last)).toBe(true);
    expect(position.bookmark?.timestampMs).toBe(last?.timestampMs);
    expect(another && position.bookmark?.matches(another)).toBe(false);
    await other.handle(batchOf(good(pipeline, 0, 10)));
    expect(await countsIn(pool, pipeline)).toEqual(upTo(10));
    expect(await ledgerOf(pool, pipeline)).toEqual({ stored: 10, refused: 0, repeats: 10, merged: 0, lost: 0 });
    expect(await other.metric('millrace_sink_rows_total', { result: 'repeat' })).toBe(8);
    expect(await other.metric('millrace_sink_rows_total', { result: 'stored' })).toBe(2);
  });

  test('of two sinks on one position one gives up, and stores nothing', async () => {
    const pipeline = await newPipeline();
    const [first, second] = [testSink(pipeline, pool), testSink(pipeline, pool)];
    await first.load(0, TOPIC, never);
    await second.load(0, TOPIC, never);
    const results = await Promise.allSettled([
      first.handle(batchOf(good(pipeline, 0, 5))),
      second.handle(batchOf(good(pipeline, 0, 5))),
    ]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toBeInstanceOf(Reload);
    expect(await countsIn(pool, pipeline)).toEqual(upTo(5));
    expect(await ledgerOf(pool, pipeline)).toMatchObject({ stored: 5 });
  });

  test('a database that fell back to an earlier state is noticed although the version is the same again', async () => {
    const pipeline = await newPipeline();
    const [stale, other] = [testSink(pipeline, pool), testSink(pipeline, pool)];
    await stale.load(0, TOPIC, never);
    const { rows } = await pool.query('SELECT * FROM millrace.positions WHERE pipeline = $1', [namesOf(pipeline).pipeline]);
    await stale.handle(batchOf(good(pipeline, 0, 3))); // version 1
    await pool.query('UPDATE millrace.positions SET version = 0, writer = $2, next_offset = NULL WHERE pipeline = $1', [
      namesOf(pipeline).pipeline,
      rows[0].writer,
    ]);
    await pool.query(`TRUNCATE "default"."${namesOf(pipeline).table}"`);
    await pool.query(`UPDATE millrace.positions SET origins = '{}' WHERE pipeline = $1`, [namesOf(pipeline).pipeline]);
    await other.load(0, TOPIC, never);
    await other.handle(batchOf(good(pipeline, 0, 2))); // version 1 again, another writer
    await expect(stale.handle(batchOf(good(pipeline, 3, 5)))).rejects.toBeInstanceOf(Reload);
    expect(await stale.load(0, TOPIC, never)).toMatchObject({ next: 2 });
    await stale.handle(batchOf(good(pipeline, 2, 5)));
    expect(await countsIn(pool, pipeline)).toEqual(upTo(5));
  });

  guardTest('a batch of another topic id than the one that was loaded comes', {
    scenario: async () => {
      const pipeline = await newPipeline();
      const sink = testSink(pipeline, pool);
      await sink.load(0, TOPIC, never);
      const said = await outcomeOf(sink.handle(batchOf(good(pipeline, 0, 3), { topicId: 'processed1' })));
      return { said, stored: await countsIn(pool, pipeline) };
    },
    right: { said: 'Reload', stored: [] },
    without: { 'loaded-topic-id': { said: 'done', stored: [0, 1, 2] } },
  });

  guardTest('a partition is taken away in the middle of its transaction', {
    scenario: async () => {
      const pipeline = await newPipeline();
      const sink = testSink(pipeline, pool);
      await sink.load(0, TOPIC, never);
      const names = namesOf(pipeline);
      const blocker = await pool.connect();
      await blocker.query(`BEGIN; LOCK TABLE "${names.schema}"."${names.table}" IN ACCESS EXCLUSIVE MODE`);
      const taken = new AbortController();
      const handled = outcomeOf(sink.handle(batchOf(good(pipeline, 0, 3), { signal: taken.signal })));
      const waiting = async (): Promise<number> =>
        (await blocker.query(`SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted`)).rows[0].n;
      while ((await waiting()) === 0) await new Promise((resolve) => setImmediate(resolve));
      taken.abort(new Error('the partition was taken away'));
      await blocker.query('ROLLBACK');
      blocker.release();
      const said = await handled;
      const left = await countsIn(pool, pipeline);
      await sink.load(0, TOPIC, never);
      await sink.handle(batchOf(good(pipeline, 0, 4)));
      return { said, left, stored: await countsIn(pool, pipeline), pauses: sink.pauses().size };
    },
    right: { said: 'the partition was taken away', left: [], stored: upTo(4), pauses: 0 },
    without: { 'transaction-abort': { said: 'done', left: upTo(3), stored: upTo(4), pauses: 0 } },
  });

  test('an offset for lag displays that cannot be committed does no harm', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    const commit = async (): Promise<void> => {
      throw new Error('not the coordinator');
    };
    await sink.handle(batchOf(good(pipeline, 0, 3), { commit }));
    expect(await countsIn(pool, pipeline)).toEqual(upTo(3));
    expect(await sink.metric('millrace_sink_lag_commit_failures_total', {})).toBe(1);
  });

  test('lost records are in the ledger once, however often the gap is found', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    const lost = { kind: 'lost' as const, topic: 'p', partition: 0 };
    await sink.load(0, TOPIC, never);
    await sink.handle(batchOf(good(pipeline, 0, 2)));
    await sink.load(0, TOPIC, never);
    sink.notice({ ...lost, next: 2, start: 4, records: 2 });
    await sink.load(0, TOPIC, never);
    sink.notice({ ...lost, next: 2, start: 4, records: 2, again: true });
    sink.notice({ ...lost, next: 4, start: 6, records: 2 }); // what came since
    await sink.load(0, TOPIC, never);
    sink.notice({ ...lost, next: 2, start: 6, records: 4 }); // told by a new assignment
    await sink.handle(batchOf(good(pipeline, 6, 8)));
    await sink.handle(batchOf(good(pipeline, 8, 9)));
    expect(await ledgerOf(pool, pipeline)).toEqual({ stored: 5, refused: 0, repeats: 0, merged: 0, lost: 4 });
    expect(await sink.metric('millrace_sink_lost_records_total', {})).toBe(4);
  });

  test('records lost before the first row was stored are in the ledger once, too', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    const lost = { kind: 'lost' as const, topic: 'p', partition: 0, next: 0, start: 4, records: 4 };
    await sink.load(0, TOPIC, never);
    sink.notice(lost);
    await sink.load(0, TOPIC, never);
    sink.notice({ ...lost, again: true });
    await sink.handle(batchOf(good(pipeline, 4, 6)));
    expect(await ledgerOf(pool, pipeline)).toMatchObject({ stored: 2, lost: 4 });
    expect(await sink.metric('millrace_sink_lost_records_total', {})).toBe(4);
  });

  test('a gap that another sink has stored behind since is not counted by this one', async () => {
    const pipeline = await newPipeline();
    const [slow, other] = [testSink(pipeline, pool), testSink(pipeline, pool)];
    const lost = { kind: 'lost' as const, topic: 'p', partition: 0, next: 2, start: 6, records: 4 };
    await slow.load(0, TOPIC, never);
    await slow.handle(batchOf(good(pipeline, 0, 2)));
    for (const sink of [slow, other]) {
      await sink.load(0, TOPIC, never);
      sink.notice(lost);
    }
    await other.handle(batchOf(good(pipeline, 6, 8)));
    await slow.load(0, TOPIC, never);
    await slow.handle(batchOf(good(pipeline, 8, 9)));
    expect(await ledgerOf(pool, pipeline)).toMatchObject({ lost: 4 });
  });
});

describe('rows that the database refuses', () => {
  const withBad = (pipeline: Pipeline, n: number, bad: number[]): KafkaRecord[] =>
    recordsOf(
      pipeline,
      upTo(n).map((offset) => ({ offset, row: { count: bad.includes(offset) ? 1n << 70n : offset } })),
    );

  test.each([
    ['one of many', 2000, [700]],
    ['the first', 50, [0]],
    ['the last', 50, [49]],
    ['neighbours', 200, [10, 11, 12]],
    ['nine of ten', 100, upTo(100).filter((i) => i % 10 !== 3)],
    ['all of a handful', 3, [0, 1, 2]],
  ])('%s: the others are stored, in one transaction', async (_what, n, bad) => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    await sink.handle(batchOf(withBad(pipeline, n, bad)));
    expect(await countsIn(pool, pipeline)).toEqual(upTo(n).filter((i) => !bad.includes(i)));
    expect(sink.refusals.map(({ incoming }) => incoming.record.offset)).toEqual(bad);
    expect(sink.refusals[0]).toMatchObject({
      reason: '22003',
      message: expect.stringContaining('column count: "1180591620717411303424"'),
    });
    expect(await ledgerOf(pool, pipeline)).toEqual({
      stored: n - bad.length,
      refused: bad.length,
      repeats: 0,
      merged: 0,
      lost: 0,
    });
    const { rows } = await pool.query('SELECT version::int FROM millrace.positions WHERE pipeline = $1 AND partition = 0', [
      namesOf(pipeline).pipeline,
    ]);
    expect(rows).toEqual([{ version: 1 }]);
  });

  test('a refused row is neither the newest of its key nor touches a roll-up', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    const late = '2030-01-01T00:00:00Z';
    await sink.handle(
      batchOf(
        recordsOf(pipeline, [
          { offset: 0, row: { count: 1 } },
          { offset: 1, row: { count: 1n << 70n, time: late } },
        ]),
      ),
    );
    expect(await countsIn(pool, pipeline, namesOf(pipeline).latestTable)).toEqual([1]);
    const { rows } = await pool.query('SELECT rollup, bucket FROM millrace.touched WHERE pipeline = $1', [
      namesOf(pipeline).pipeline,
    ]);
    expect(rows).toEqual([{ rollup: `${namesOf(pipeline).table}_1h`, bucket: new Date('2026-01-02T03:00:00Z') }]);
  });

  test('a record of another tool, without origin or no row, is refused as foreign and does not stop the partition', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    const records = recordsOf(pipeline, [
      { offset: 0, row: { count: 0 } },
      { offset: 1, row: {}, origin: 'nonsense\0' },
      { offset: 2, row: Buffer.from('not json') },
      { offset: 3, row: null },
      { offset: 4, row: { time: 'now' } as never },
      { offset: 5, row: { count: 1 } },
      { offset: 6, row: { count: 1 }, origin: 'x\0y' },
    ]);
    await sink.handle(batchOf(records));
    expect(await countsIn(pool, pipeline)).toEqual([0, 1]);
    expect(sink.refusals.map(({ reason, incoming }) => [reason, incoming.record.offset])).toEqual(
      [1, 2, 3, 4, 6].map((at) => ['foreign', at]),
    );
    const position = await sink.load(0, TOPIC, never);
    expect(position.next).toBe(7);
    expect(records[6] && position.bookmark?.matches(records[6])).toBe(true);
  });

  guardTest('a batch is refused whole: it waits, and goes on when the table fits', {
    scenario: async () => {
      const pipeline = await newPipeline();
      const names = namesOf(pipeline);
      const sink = testSink(pipeline, pool);
      await pool.query(`ALTER TABLE "default"."${names.table}" ADD CONSTRAINT no CHECK (count < 0)`);
      await sink.load(0, TOPIC, never);
      const said = await outcomeOf(sink.handle(batchOf(good(pipeline, 0, 500))));
      const reason = sink.pauses().get(0)?.reason;
      await pool.query(`ALTER TABLE "default"."${names.table}" DROP CONSTRAINT no`);
      await sink.load(0, TOPIC, never);
      const loaded = sink.pauses().size;
      await sink.handle(batchOf(good(pipeline, 0, 500)));
      const pauses = [loaded, sink.pauses().size];
      return { said, reason, pauses, refused: sink.refusals.length, stored: await countsIn(pool, pipeline) };
    },
    right: { said: 'RefusedWhole', reason: 'refused_whole', pauses: [1, 0], refused: 0, stored: upTo(500) },
    without: { 'refused-whole': { said: 'done', reason: undefined, pauses: [0, 0], refused: 500, stored: [] } },
  });

  test('rows of a processor with another spec wait for a sink that knows their columns', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    const row = Buffer.from(JSON.stringify({ time: '2026-01-02T03:04:05Z', device: 'a', added_later: 1 }));
    const records = recordsOf(
      pipeline,
      upTo(20).map((offset) => ({ offset, row })),
    );
    await expect(sink.handle(batchOf(records))).rejects.toThrow(/none of 20 rows fits this spec.*added_later/);
    expect(sink.refusals).toEqual([]);
    expect(sink.pauses().get(0)).toMatchObject({ reason: 'refused_whole' });
  });

  guardTest('the dead-letter topic takes nothing', {
    scenario: async () => {
      const pipeline = await newPipeline();
      const sink = testSink(pipeline, pool, () => Promise.reject(new DlqError('no leader')));
      await sink.load(0, TOPIC, never);
      const said = await outcomeOf(sink.handle(batchOf(withBad(pipeline, 5, [2]))));
      const reason = sink.pauses().get(0)?.reason;
      const { next } = await sink.load(0, TOPIC, never);
      return { said, reason, next, stored: await countsIn(pool, pipeline) };
    },
    right: { said: 'no leader', reason: 'dlq', next: 0, stored: [] },
    without: { 'dlq-before-commit': { said: 'done', reason: undefined, next: 5, stored: [0, 1, 3, 4] } },
  });

  test('a batch that is tried again and again puts its refused row into the dead-letter topic once', async () => {
    const pipeline = await newPipeline();
    const { latestTable } = namesOf(pipeline);
    const sink = testSink(pipeline, pool);
    await pool.query(`ALTER TABLE "default"."${latestTable}" RENAME TO "${latestTable}_away"`);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await sink.load(0, TOPIC, never);
      await expect(sink.handle(batchOf(withBad(pipeline, 5, [2])))).rejects.toMatchObject({ code: '42P01' });
    }
    await pool.query(`ALTER TABLE "default"."${latestTable}_away" RENAME TO "${latestTable}"`);
    await sink.load(0, TOPIC, never);
    await sink.handle(batchOf(withBad(pipeline, 5, [2])));
    expect(sink.refusals).toHaveLength(1);
    expect(await ledgerOf(pool, pipeline)).toEqual({ stored: 4, refused: 1, repeats: 0, merged: 0, lost: 0 });
  });

  test('a key too large for the index is one refused row, not a feed that stands still', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    const device = Array.from({ length: 20_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join('');
    await sink.handle(
      batchOf(
        recordsOf(pipeline, [
          { offset: 0, row: { count: 0 } },
          { offset: 1, row: { device } },
          { offset: 2, row: { count: 2 } },
        ]),
      ),
    );
    expect(await countsIn(pool, pipeline)).toEqual([0, 2]);
    expect(sink.refusals).toMatchObject([{ reason: '54000' }]);
  });
});

describe('a database that does not take rows', () => {
  test('a missing table pauses with its reason and refuses nothing', async () => {
    const pipeline = await newPipeline();
    const names = namesOf(pipeline);
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    await pool.query(`ALTER TABLE "default"."${names.table}" RENAME TO "${names.table}_away"`);
    await expect(sink.handle(batchOf(good(pipeline, 0, 20)))).rejects.toMatchObject({ code: '42P01' });
    expect(sink.pauses().get(0)).toMatchObject({ at: 'store', reason: 'missing' });
    expect(sink.refusals).toEqual([]);
    await pool.query(`ALTER TABLE "default"."${names.table}_away" RENAME TO "${names.table}"`);
    await sink.load(0, TOPIC, never);
    await sink.handle(batchOf(good(pipeline, 0, 20)));
    expect(await countsIn(pool, pipeline)).toEqual(upTo(20));
    expect(sink.pauses().size).toBe(0);
  });

  test('a role without rights pauses with its reason', async () => {
    const pipeline = await newPipeline();
    await pool.query(`CREATE ROLE poor LOGIN PASSWORD 'poor'`);
    const url = new URL(postgres.url);
    url.username = 'poor';
    url.password = 'poor';
    const poor = open(url.href);
    const sink = testSink(pipeline, poor);
    await expect(sink.load(0, TOPIC, never)).rejects.toMatchObject({ code: '42501' });
    expect(sink.pauses().get(0)).toMatchObject({ at: 'load', reason: 'rights' });
    await poor.end();
  });

  test('a database that is away for a while: nothing lost, nothing twice', async () => {
    const own = await startPostgres();
    const away = open(own.url);
    try {
      const pipeline = testPipeline('away');
      await createTables(away, pipeline);
      const sink = testSink(pipeline, away);
      await sink.load(0, TOPIC, never);
      await sink.handle(batchOf(good(pipeline, 0, 3)));
      own.kill('SIGKILL');
      await own.exited;
      // Sessions outlive the server's first process by a moment.
      const isGone = (): Promise<boolean> =>
        away.query('SELECT').then(
          () => false,
          () => true,
        );
      await expect.poll(isGone, { timeout: 60_000, interval: 20 }).toBe(true);
      await expect(sink.handle(batchOf(good(pipeline, 3, 6)))).rejects.toThrow();
      expect(sink.pauses().get(0)).toMatchObject({ reason: 'connection' });
      await expect(sink.load(0, TOPIC, never)).rejects.toThrow();
      await own.start();
      expect(await sink.load(0, TOPIC, never)).toMatchObject({ next: 3 });
      await sink.handle(batchOf(good(pipeline, 2, 6)));
      const { rows } = await away.query(`SELECT count::int FROM "default".away ORDER BY count`);
      expect(rows.map(({ count }) => count)).toEqual(upTo(6));
      expect(sink.pauses().size).toBe(0);
    } finally {
      await away.end();
      await own.stop();
    }
  });
});

describe('the newest row per key', () => {
  test('late rows do not replace newer ones; of equal times the later in the log counts; rows without key are not kept', async () => {
    const pipeline = await newPipeline();
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    const time = (ns: string): string => `2026-01-02T03:04:05.${ns}Z`;
    const rows = [
      { device: 'a', time: time('000000002'), count: 1 },
      { device: 'a', time: time('000000003'), count: 2 },
      { device: 'a', time: time('000000001'), count: 3 },
      { device: 'b', time: time('5'), count: 4 },
      { device: 'b', time: time('500'), count: 5 },
      { device: null, time: time('9'), count: 6 },
    ];
    await sink.handle(
      batchOf(
        recordsOf(
          pipeline,
          rows.map((row, offset) => ({ offset, row })),
        ),
      ),
    );
    expect(await countsIn(pool, pipeline, namesOf(pipeline).latestTable)).toEqual([2, 5]);
    const more = [
      { device: 'a', time: '2020-01-01T00:00:00Z', count: 7 },
      { device: 'b', time: '2026-01-02T03:04:05.6Z', count: 8, extra: `{"note":"it's \\\\ \\"quoted\\", {braced}"}` },
    ];
    await sink.handle(
      batchOf(
        recordsOf(
          pipeline,
          more.map((row, i) => ({ offset: 6 + i, row })),
        ),
      ),
    );
    expect(await countsIn(pool, pipeline, namesOf(pipeline).latestTable)).toEqual([2, 8]);
    const { rows: found } = await pool.query(`SELECT extra FROM "default"."${namesOf(pipeline).latestTable}" WHERE count = 8`);
    expect(found).toEqual([{ extra: { note: `it's \\ "quoted", {braced}` } }]);
  });
});

describe('unique rows', () => {
  const unique = (keep: 'last' | 'first') => ({ unique: { columns: ['device', 'time'], keep } });
  const at = (second: number): string => new Date(START_MS + second * 1000).toISOString();

  test.each([
    ['last', [2, 3, 12]],
    ['first', [0, 3, 10]],
  ] as const)(
    'keep %s, by raw append time and then the order of the log, within a batch and across batches',
    async (keep, expected) => {
      const pipeline = await newPipeline(unique(keep));
      const sink = testSink(pipeline, pool);
      await sink.load(0, TOPIC, never);
      const one = (offset: number, device: string | null, second: number, rawTimestampMs: number): RecordOptions => ({
        offset,
        row: { device, time: at(second), count: offset },
        rawTimestampMs,
      });
      await sink.handle(
        batchOf(
          recordsOf(pipeline, [
            one(0, 'a', 0, 1000),
            one(1, 'a', 0, 1000),
            one(2, 'a', 0, 5000),
            one(3, 'a', 1, 1000),
            one(10, null, 2, 10),
          ]),
        ),
      );
      await sink.handle(batchOf(recordsOf(pipeline, [one(11, null, 2, 10), one(12, null, 2, 4_000_000), one(13, 'a', 0, 4000)])));
      expect(await countsIn(pool, pipeline)).toEqual(expected);
      expect(await ledgerOf(pool, pipeline)).toEqual({ stored: 3, refused: 0, repeats: 0, merged: 5, lost: 0 });
      expect(await sink.metric('millrace_sink_rows_total', { result: 'merged' })).toBe(5);
      expect(await countsIn(pool, pipeline, namesOf(pipeline).latestTable)).toEqual([3]);
      const { rows } = await pool.query(
        'SELECT bool_and(stored >= 0 AND merged >= 0) AS whole FROM millrace.ledger WHERE pipeline = $1',
        [namesOf(pipeline).pipeline],
      );
      expect(rows).toEqual([{ whole: true }]);
    },
  );

  test('a bad row among them is isolated, and the order of the others is kept', async () => {
    const pipeline = await newPipeline(unique('last'));
    const sink = testSink(pipeline, pool);
    await sink.load(0, TOPIC, never);
    const rows = upTo(40).map((offset) => ({
      offset,
      row: { device: `d${offset % 2}`, time: at(0), count: offset === 20 ? 1n << 70n : offset },
      rawTimestampMs: START_MS,
    }));
    await sink.handle(batchOf(recordsOf(pipeline, rows)));
    expect(await countsIn(pool, pipeline)).toEqual([38, 39]);
    expect(await countsIn(pool, pipeline, namesOf(pipeline).latestTable)).toEqual([38, 39]);
    expect(sink.refusals).toMatchObject([{ reason: '22003' }]);
    expect(await ledgerOf(pool, pipeline)).toEqual({ stored: 2, refused: 1, repeats: 0, merged: 37, lost: 0 });
  });
});
