/** What keeps the topic of newest rows equal to their table, each taken out once: two senders, one of them frozen; sends that fail; a topic made anew. */

import type { Claim, Kafka } from '@millrace/core/kafka/kafka.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { guardTest } from '@millrace/core/testing/guardTest.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isCut } from './store.ts';
import type { LatestTopic } from './task.ts';
import { log, never, type Stage, sendAll, startStage, topicOf, unsentOf } from './testTopic.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 180_000);
afterAll(() => stage?.stop());

const senderOf = (pipeline: Pipeline, kafka?: Kafka): LatestTopic => stage.sender(pipeline, kafka);

/** Kafka whose claims append in another way. */
function appending(append: (claim: Claim, ...of: Parameters<Claim['append']>) => Promise<void>): Kafka {
  return {
    ...stage.kafka,
    async claim(id, signal) {
      const claim = await stage.kafka.claim(id, signal);
      return {
        append: (...of) => append(claim, ...of),
        get holds() {
          return claim.holds;
        },
        close: () => claim.close(),
      };
    },
  };
}

/** The sink's statement, as far as it matters here. */
async function put(pipeline: Pipeline, temperature: number): Promise<void> {
  await stage.pool.query(
    `INSERT INTO "default"."${namesOf(pipeline).latestTable}" (time, device, ok, temperature) VALUES (now(), 'd1', true, $1)
     ON CONFLICT (device, ok) DO UPDATE SET temperature = EXCLUDED.temperature`,
    [temperature],
  );
}

async function outcome(pipeline: Pipeline): Promise<{ topic: (number | undefined)[]; unsent: number }> {
  const values = [...(await topicOf(stage, pipeline)).values()].map((value) => JSON.parse(value).temperature);
  return { topic: values, unsent: await unsentOf(stage, pipeline) };
}

/** What `frozen` read before `put` and sends after another has sent what was put. */
async function overtaken(pipeline: Pipeline, frozen: LatestTopic, isFrozen: Promise<unknown>, wake: () => void): Promise<void> {
  await sendAll(senderOf(pipeline)); // filled, empty
  await put(pipeline, 1);
  const running = frozen.task.run(never).catch(() => 'refused');
  await isFrozen;
  await put(pipeline, 2);
  await sendAll(senderOf(pipeline));
  wake();
  await running;
}

guardTest('a sender that was frozen with what it had read sends nothing old behind what another has sent meanwhile', {
  async scenario(label) {
    const pipeline = await stage.pipeline(`frozen-${label}`);
    const [gate, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = appending(async (claim, ...of) => {
      reached.resolve();
      await gate.promise;
      await claim.append(...of);
    });
    await overtaken(pipeline, senderOf(pipeline, slow), reached.promise, gate.resolve);
    return outcome(pipeline);
  },
  right: { topic: [2], unsent: 0 },
  without: { 'one-writer': { topic: [1], unsent: 0 } },
});

test.each(['AddPartitionsToTxn', 'Produce', 'EndTxn'])(
  'nor does one that was frozen when %s of its transaction was done, and does not know yet',
  async (request) => {
    const pipeline = await stage.pipeline(`held-${request.toLowerCase()}`);
    const sender = senderOf(pipeline, stage.proxied);
    const held = stage.proxy.holdAnswer((_answer, _asked, { answered }) => answered.some((one) => one.request === request));
    await overtaken(pipeline, sender, held.caught, held.release);
    expect(await outcome(pipeline)).toEqual({ topic: [2], unsent: 0 });
  },
);

guardTest('what was not acknowledged is sent again', {
  async scenario(label) {
    const pipeline = await stage.pipeline(`unacked-${label}`.slice(0, 40));
    let failures = 0;
    const failing = appending(async (claim, ...of) => {
      if (failures++ === 0) throw new Error('no answer');
      await claim.append(...of);
    });
    await sendAll(senderOf(pipeline)); // filled, empty
    await put(pipeline, 1);
    await sendAll(senderOf(pipeline, failing));
    return outcome(pipeline);
  },
  right: { topic: [1], unsent: 0 },
  without: { 'sent-before-unmarked': { topic: [], unsent: 0 } },
});

guardTest('a change that comes while the one before is sent is sent, too', {
  async scenario(label) {
    const pipeline = await stage.pipeline(`meanwhile-${label}`.slice(0, 40));
    await sendAll(senderOf(pipeline)); // filled, empty
    let appends = 0;
    const changing = appending(async (claim, ...of) => {
      await claim.append(...of);
      if (appends++ === 0) await put(pipeline, 2);
    });
    await put(pipeline, 1);
    await sendAll(senderOf(pipeline, changing));
    return outcome(pipeline);
  },
  right: { topic: [2], unsent: 0 },
  without: { 'unmarked-as-sent': { topic: [1], unsent: 0 } },
});

guardTest('a topic that was created again is filled again', {
  async scenario(label) {
    const pipeline = await stage.pipeline(`anew-${label}`.slice(0, 40));
    await put(pipeline, 1);
    const sender = senderOf(pipeline);
    await sendAll(sender);
    await stage.kafka.deleteTopic(namesOf(pipeline).latest);
    await setupPipeline(pipeline, { kafka: stage.kafka, database: stage.pool, log });
    await sendAll(sender);
    return outcome(pipeline);
  },
  right: { topic: [1], unsent: 0 },
  without: { 'filled-topic-id': { topic: [], unsent: 0 } },
});

test.each([
  ['nothing was seen yet', [], [[0, 5]], false],
  ['it grew', [[0, 5]], [[0, 7]], false],
  [
    'a partition was added',
    [[0, 5]],
    [
      [0, 5],
      [0, 0],
    ],
    false,
  ],
  [
    'it ends before',
    [
      [0, 0],
      [0, 5],
    ],
    [
      [0, 0],
      [0, 4],
    ],
    true,
  ],
  ['its beginning is gone', [[0, 5]], [[2, 7]], true],
])('whether a log is cut, where %s', (_what, before, now, expected) => {
  const bounds = (all: number[][]) => all.map(([start = 0, end = 0]) => ({ start, end }));
  expect(isCut(bounds(before), bounds(now))).toBe(expected);
});

test('a topic whose log ends before where it did is filled again', async () => {
  const pipeline = await stage.pipeline('cut');
  const { latest, pipeline: name } = namesOf(pipeline);
  const sent = async (): Promise<number> => (await stage.kafka.bounds(latest)).reduce((sum, { end }) => sum + end, 0);
  await put(pipeline, 1);
  const sender = senderOf(pipeline);
  await sendAll(sender);
  const once = await sent();
  await sendAll(sender);
  expect(await sent()).toBe(once);
  await stage.pool.query(`UPDATE millrace.latest_topics SET bounds = '[[0, 1000], [0, 1000]]' WHERE pipeline = $1`, [name]);
  await sendAll(sender);
  expect(await sent()).toBeGreaterThan(once);
});
