/** The engine against a model of Kafka: whatever is killed or rejected, and whenever, each record once and in order. */
import { decodeReplayPosition, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { guardTest } from '@millrace/core/testing/guardTest.ts';
import fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { FakeBroker, type Fate } from '../testing/fakeKafka.ts';
import { until } from '../testing/pipeline.ts';
import { startCheckpointed } from './checkpointed.ts';
import type { Input } from './input.ts';

const RAW = 'default.model.raw';
const pipeline = {
  metadata: { name: 'model' },
  spec: { source: {}, record: {}, table: { name: 'model' } },
} as unknown as Pipeline;
const log = pino({ level: 'silent' });

/** `count` records of some devices; every tenth cannot be read. */
function input(count: number, change: Partial<Input> = {}): Input {
  return {
    kind: 'replay',
    settings: 's',
    identity: 'i',
    begin: async () => ({}),
    continues: async () => false,
    async *records({ byte }) {
      for (let at = byte; at < count; at += 7) {
        yield Array.from({ length: Math.min(7, count - at) }, (_, i) => ({
          next: { loop: 0, file: 0, byte: at + i + 1, crc: 0 },
          gapMs: 0,
          make: () => ({
            key: Buffer.from(`device-${((at + i) * 7919) % 5}`),
            value: Buffer.from(String(at + i)),
            ...((at + i) % 10 === 3 ? { unreadable: { message: 'broken' } } : {}),
          }),
        }));
      }
    },
    ...change,
  };
}

/** Runs the engine in processes that die, until one of them completes. */
async function complete(
  broker: FakeBroker,
  fate: () => Fate,
  made: Input,
  between: () => void = () => undefined,
): Promise<string> {
  for (let processes = 0; processes < 200; processes++) {
    const client = broker.client(fate);
    const context = { kafka: client.kafka, log, metrics: new Registry() };
    const worker = startCheckpointed({ pipeline, context, kind: 'replay', open: async () => made, limit: 0 });
    const outcome = await Promise.race([
      client.killed.then(() => 'killed'),
      worker.failed.then((error) => `failed: ${error.message}`),
      until(() => (worker.health().phase === 'completed' ? worker.health().state : null)),
    ]);
    client.kill();
    await worker.stop();
    if (outcome !== 'killed') return outcome;
    between();
  }
  throw new Error('never completed');
}

function ordinals(broker: FakeBroker): number[][] {
  return broker
    .topic(RAW)
    .logs.map((records) =>
      records.map(({ headers }) => decodeReplayPosition(headers[REPLAY_POSITION_HEADER]?.toString())?.ordinal ?? -1),
    );
}

const sorted = (numbers: number[]): number[] => numbers.toSorted((a, b) => a - b);

const eachOnceAndInOrder = (() => {
  const fates = fc.infiniteStream(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant<Fate>('taken') },
      { weight: 3, arbitrary: fc.constantFrom<Fate>('killed', 'taken, killed') },
      { weight: 1, arbitrary: fc.constantFrom<Fate>('unanswered', 'rejected') },
    ),
  );
  return fc.asyncProperty(
    fc.integer({ min: 0, max: 120 }),
    fc.integer({ min: 1, max: 4 }),
    fates,
    fc.boolean(),
    async (count, partitions, stream, grow) => {
      const broker = new FakeBroker();
      broker.create(RAW, partitions);
      const next = (): Fate => stream.next().value as Fate;
      const state = await complete(broker, next, input(count), () => {
        if (grow) broker.grow(RAW, Math.min(7, broker.topic(RAW).logs.length + 1));
      });
      expect(state).toBe(`completed: ${count} records`);
      const perPartition = ordinals(broker);
      for (const log of perPartition) expect(log).toEqual(sorted(log));
      expect(sorted(perPartition.flat())).toEqual(Array.from({ length: count }, (_, n) => n));
    },
  );
})();

test('each record once and in order in its partition, whatever is killed or rejected', async () => {
  await fc.assert(eachOnceAndInOrder, { numRuns: 60, interruptAfterTimeLimit: 60_000 });
});

guardTest('a replay that is killed loses records, or sends them again', {
  scenario: async () => (await fc.check(eachOnceAndInOrder, { numRuns: 120, endOnFailure: true, seed: 7 })).failed,
  right: false,
  without: { 'checkpoint-after-acks': true, 'replay-tail': true },
});

test('a completed run stays completed after a restart', async () => {
  const broker = new FakeBroker();
  broker.create(RAW, 2);
  for (const _ of [1, 2]) expect(await complete(broker, () => 'taken', input(20))).toBe('completed: 20 records');
  expect(ordinals(broker).flat()).toHaveLength(20);
});

test.each<[string, Partial<Input>, number]>([
  ['another input begins a new run', { identity: 'other' }, 40],
  ['an input that grew goes on behind what was sent', { identity: 'other', continues: async () => true }, 20],
  ['other settings begin a new run', { settings: 'other', continues: async () => true }, 40],
])('%s', async (_name, change, records) => {
  const broker = new FakeBroker();
  broker.create(RAW, 2);
  await complete(broker, () => 'taken', input(20));
  expect(await complete(broker, () => 'taken', input(20, change))).toBe('completed: 20 records');
  expect(ordinals(broker).flat()).toHaveLength(records);
});

test('a topic that was created again gets everything again', async () => {
  const broker = new FakeBroker();
  broker.create(RAW, 2);
  await complete(broker, () => 'taken', input(20));
  broker.create(RAW, 2);
  await complete(broker, () => 'taken', input(20));
  expect(ordinals(broker).flat()).toHaveLength(20);
});
