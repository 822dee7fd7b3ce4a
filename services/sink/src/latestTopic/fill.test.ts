/** A topic that is turned on later, off and on again, grows, or has large rows; and senders that nobody waits for. */
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testPipeline } from '../testPipeline.ts';
import { readNext, readUnsent } from './store.ts';
import { differences, log, never, type Stage, sendAll, startStage, topicOf, unsentOf } from './testTopic.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 180_000);
afterAll(() => stage?.stop());

const BY = { by: ['device', 'count'] };
const setUp = (pipeline: Pipeline) => setupPipeline(pipeline, { kafka: stage.kafka, database: stage.pool, log });
const latestOf = (pipeline: Pipeline): string => `"default"."${namesOf(pipeline).latestTable}"`;

/** Rows d/1 to d/many. */
async function fill(pipeline: Pipeline, many: number, extra = '{}'): Promise<void> {
  await stage.pool.query(
    `INSERT INTO ${latestOf(pipeline)} (time, device, count, temperature, extra)
       SELECT '2026-01-02T03:04:05.678901Z', 'd', n, n / 3.0, $2::jsonb FROM generate_series(1, $1) AS n
     ON CONFLICT (device, count) DO UPDATE SET temperature = EXCLUDED.temperature + 1`,
    [many, extra],
  );
}

async function triggersOf(pipeline: Pipeline): Promise<number> {
  const { rows } = await stage.pool.query('SELECT count(*) AS n FROM pg_trigger WHERE tgrelid = to_regclass($1)', [
    latestOf(pipeline),
  ]);
  return Number(rows[0].n);
}

test('turned on it is filled with what was there, turned off it costs nothing, turned on again it catches up', async () => {
  const off = testPipeline('later', { latest: BY });
  const on = testPipeline('later', { latest: { ...BY, topic: true } });
  const { latest } = namesOf(on);
  await setUp(off);
  await fill(off, 2_500);
  expect([await triggersOf(off), await unsentOf(stage, off), await stage.kafka.topic(latest)]).toEqual([0, 0, null]);
  expect((await setUp(on)).changes).toEqual([
    'changes of default.later_latest go to a topic',
    `created topic ${latest} with 2 partitions`,
  ]);
  const sender = stage.sender(on);
  await sendAll(sender);
  expect([await unsentOf(stage, on), await differences(stage, on)]).toEqual([0, []]);
  expect((await topicOf(stage, on)).size).toBe(2_500);

  expect((await setUp(off)).changes).toEqual(['changes of default.later_latest no longer go to a topic']);
  await fill(off, 10);
  expect([await triggersOf(off), await unsentOf(stage, off)]).toEqual([0, 0]);
  await setUp(on);
  await sendAll(sender);
  expect([await unsentOf(stage, on), await differences(stage, on)]).toEqual([0, []]);
});

test('another table of the same Pipeline: what only the former one had goes', async () => {
  const first = testPipeline('renamed', { latest: { ...BY, topic: true } });
  const second: Pipeline = { ...first, spec: { ...first.spec, table: { ...first.spec.table, name: 'renamed_2' } } };
  await setUp(first);
  await fill(first, 5);
  await sendAll(stage.sender(first));
  await setUp(second);
  await fill(second, 3);
  await fill(first, 7); // nobody's any more
  await sendAll(stage.sender(second));
  expect([await unsentOf(stage, second), await differences(stage, second)]).toEqual([0, []]);
  expect((await topicOf(stage, second)).size).toBe(3);
  await expect(stage.sender(first).task.run(never)).rejects.toThrow(
    'the table default.renamed is no longer that of default/renamed',
  );
});

test('a key stays in its partition when partitions are added, so that no old value of it is left in another one', async () => {
  const two = testPipeline('grown', { latest: { ...BY, topic: true } });
  const five: Pipeline = { ...two, spec: { ...two.spec, topics: { partitions: 5 } } };
  const { latest } = namesOf(two);
  await setUp(two);
  await fill(two, 40);
  await sendAll(stage.sender(two));
  await setUp(five);
  expect((await stage.kafka.topic(latest))?.partitions).toBe(5);
  await fill(five, 60);
  await sendAll(stage.sender(five));
  expect(await differences(stage, five)).toEqual([]);
  const ends = (await stage.kafka.bounds(latest)).map(({ end }) => end > 0);
  expect(ends).toEqual([true, true, false, false, false]);
});

test('large rows come in transactions of about a megabyte', async () => {
  const pipeline = testPipeline('large', { latest: { ...BY, topic: true } });
  await setUp(pipeline);
  const random = Array.from({ length: 60_000 }, (_, n) => (n * 2_654_435_761) % 1e6).join(''); // hardly to be packed
  await fill(pipeline, 7, JSON.stringify({ random }));
  const names = namesOf(pipeline);
  const kept = { pipeline: names.pipeline, schema: names.schema, name: names.latestTable, columns: columnsOf(pipeline), ...BY };
  const client = await stage.pool.connect();
  try {
    for (const read of [await readUnsent(client, kept), await readNext(client, kept, null)]) {
      expect(read.length).toBeGreaterThan(0);
      expect(read.length).toBeLessThan(7);
    }
  } finally {
    client.release();
  }
  await sendAll(stage.sender(pipeline));
  expect([await unsentOf(stage, pipeline), await differences(stage, pipeline)]).toEqual([0, []]);
});

test('a sender does not wait for a transaction of a sink that changes the same rows, and sends them after it', async () => {
  const pipeline = testPipeline('locked', { latest: { ...BY, topic: true } });
  await setUp(pipeline);
  await fill(pipeline, 3);
  const sink = await stage.pool.connect();
  try {
    await sink.query('BEGIN');
    await sink.query(`UPDATE ${latestOf(pipeline)} SET temperature = -1 WHERE count = 2`);
    const sender = stage.sender(pipeline);
    await sender.task.run(AbortSignal.timeout(30_000)); // less than the session's own limits, with which it would wait
    expect(await unsentOf(stage, pipeline)).toBe(1);
    await sink.query('COMMIT');
    await sendAll(sender);
  } finally {
    sink.release();
  }
  expect([await unsentOf(stage, pipeline), await differences(stage, pipeline)]).toEqual([0, []]);
});

test('a sink that is told to end does not wait for a Kafka that does not answer', { timeout: 60_000 }, async () => {
  const pipeline = testPipeline('away', { latest: { ...BY, topic: true } });
  await setUp(pipeline);
  await fill(pipeline, 3);
  const stop = new AbortController();
  await stage.proxy.refuse();
  try {
    const running = stage.sender(pipeline, stage.proxied).task.run(stop.signal);
    setTimeout(() => stop.abort(new Error('told to end')), 500);
    await expect(running).rejects.toThrow('told to end'); // and not what Kafka did not do within its time
  } finally {
    await stage.proxy.heal();
  }
  await sendAll(stage.sender(pipeline, stage.proxied));
  expect([await unsentOf(stage, pipeline), await differences(stage, pipeline)]).toEqual([0, []]);
});
