/** The topic of newest rows as the sink keeps it: read to its end, the last value per key is the table. */
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sink } from '../role.ts';
import { processedRecord } from '../testPipeline.ts';
import { log, type Stage, startStage, topicOf, untilEqual } from './testTopic.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 180_000);
afterAll(() => stage?.stop());

function startSink(pipeline: Pipeline): Promise<Worker> {
  if (sink.name !== 'sink') throw new Error('not the sink');
  const { kafka, pool: database } = stage;
  return sink.start(pipeline, { kafka, database, log, metrics: new Registry(), baseFolder: '/' });
}

let offset = 0;

/** Appends to the processed topic what a processor would. */
async function append(pipeline: Pipeline, partition: number, rows: readonly Record<string, unknown>[]): Promise<void> {
  const sender = stage.kafka.sender();
  const records = rows.map((row): OutRecord => {
    const { key, value, headers } = processedRecord(pipeline, { offset: offset++, row: row as never });
    return { key, value, headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, text.toString()])) };
  });
  await sender.send(namesOf(pipeline).processed, partition, records);
  await sender.close();
}

const reading = (device: string, ok: boolean, temperature: number | null, count: number | bigint = 1) => ({
  device,
  ok,
  temperature,
  count,
});

test.each([
  ['every row is kept', {}],
  ['rows are merged', { unique: { columns: ['device', 'ok', 'time'], keep: 'last' as const } }],
])('the topic is what the table of newest rows is, where %s', async (what, spec) => {
  const pipeline = await stage.pipeline(`plain-${what.length}`, spec);
  const worker = await startSink(pipeline);
  try {
    await append(pipeline, 0, [
      reading('d1', true, 1.5),
      reading("d'2", false, -0, 9_007_199_254_740_993n),
      reading('d1', true, 2),
    ]);
    await append(pipeline, 1, [reading('ü\t3', true, 1e300), reading('d1', false, 0.1)]);
    await untilEqual(stage, pipeline, 5);
    await append(pipeline, 0, [reading('d1', true, 3), reading('d4', true, null)]);
    await untilEqual(stage, pipeline, 7);
    const topic = await topicOf(stage, pipeline);
    expect([...topic.keys()].sort()).toEqual([
      `{"device":"d'2","ok":false}`,
      '{"device":"d1","ok":false}',
      '{"device":"d1","ok":true}',
      '{"device":"ü\\t3","ok":true}',
    ]);
    expect(topic.get(`{"device":"d'2","ok":false}`)).toMatch(/,"count":9007199254740993,"ok":false}$/);
    await stage.pool.query(`DELETE FROM "default".${namesOf(pipeline).latestTable} WHERE ok`);
    await untilEqual(stage, pipeline, 7);
    expect((await topicOf(stage, pipeline)).size).toBe(2);
  } finally {
    await worker.stop();
  }
});
