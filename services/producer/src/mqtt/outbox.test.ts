import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { FakeBroker, type Fate } from '../send/fakeKafka.ts';
import { until } from '../testing/pipeline.ts';
import { Outbox } from './outbox.ts';

const log = pino({ level: 'silent' });
const recordOf = (device: number, n: number) => ({ key: Buffer.from(`d${device}`), value: Buffer.from(String(n)), headers: {} });

test('whatever becomes of sends: each record is in the log before it is acknowledged, in order, and none is left out', async () => {
  const fates = fc.array(fc.constantFrom<Fate>('taken', 'taken', 'taken', 'unanswered', 'rejected'), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      fates,
      fc.array(fc.nat(4), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 3 }),
      async (all, devices, partitions) => {
        const broker = new FakeBroker();
        broker.create('raw', partitions);
        const left = [...all];
        const { kafka } = broker.client(() => left.shift() ?? 'taken');
        const stored = (): string[] =>
          broker
            .topic('raw')
            .logs.flat()
            .map(({ value }) => String(value));
        const acknowledged: number[] = [];
        const outbox = new Outbox({
          context: { kafka, log, metrics: new Registry() },
          topic: 'raw',
          pipeline: 'p',
          room: () => undefined,
        });
        await until(() => (outbox.full ? null : true));
        const wanted: number[] = [];
        for (const [n, device] of devices.entries()) {
          if (outbox.full) await until(() => (outbox.full ? null : true));
          const isWaited = n % 3 !== 0;
          if (isWaited) wanted.push(n);
          outbox.add(
            recordOf(device, n),
            isWaited
              ? () => {
                  expect(stored()).toContain(String(n));
                  acknowledged.push(n);
                }
              : null,
          );
          if (n % 4 === 0) await turn();
        }
        await until(() => (outbox.records >= devices.length && acknowledged.length === wanted.length ? true : null));
        await outbox.stop();
        expect(acknowledged).toEqual(wanted);
        expect(new Set(stored()).size).toBe(devices.length);
        // Of each device the first time that a record is there is in order.
        for (const partition of broker.topic('raw').logs)
          for (const [, records] of Map.groupBy(partition, ({ key }) => String(key))) {
            const firsts = [...new Set(records.map(({ value }) => Number(value)))];
            expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
          }
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);

test('what comes before the topic is there is sent when it is, and room is told then', async () => {
  const broker = new FakeBroker();
  const { kafka } = broker.client(() => 'taken');
  const room = Promise.withResolvers<void>();
  const outbox = new Outbox({
    context: { kafka, log, metrics: new Registry() },
    topic: 'raw',
    pipeline: 'p',
    room: room.resolve,
  });
  await until(() => (/there is no topic raw/.test(outbox.unavailable ?? '') ? true : null));
  expect(outbox.full).toBe(true);
  const acknowledged: number[] = [];
  for (const n of [0, 1]) outbox.add(recordOf(n, n), () => acknowledged.push(n)); // of a chunk that was read already
  broker.create('raw', 1);
  await room.promise;
  expect([outbox.full, outbox.unavailable]).toEqual([false, null]);
  outbox.add(recordOf(2, 2), () => acknowledged.push(2));
  await until(() => (acknowledged.length === 3 ? true : null));
  expect(acknowledged).toEqual([0, 1, 2]);
  expect(broker.topic('raw').logs.flat()).toHaveLength(3);
  await outbox.stop();
});

test('while Kafka takes nothing it fills up, and says so', async () => {
  const broker = new FakeBroker();
  broker.create('raw', 1);
  let isStuck = true;
  const { kafka } = broker.client(() => 'taken');
  const sender = kafka.sender();
  const stuck = {
    ...kafka,
    sender: () => ({
      ...sender,
      send: async (...words: Parameters<typeof sender.send>) => {
        await until(() => (isStuck ? null : true));
        return sender.send(...words);
      },
    }),
  };
  let rooms = 0;
  const outbox = new Outbox({
    context: { kafka: stuck, log, metrics: new Registry() },
    topic: 'raw',
    pipeline: 'p',
    room: () => rooms++,
  });
  await until(() => (outbox.full ? null : true));
  let added = 0;
  while (!outbox.full) outbox.add({ ...recordOf(1, added++), value: Buffer.alloc(100_000) }, null);
  expect(added).toBeLessThan(60);
  const before = rooms;
  isStuck = false;
  await until(() => (outbox.full ? null : true));
  await until(() => (outbox.records === added ? true : null));
  expect(rooms).toBeGreaterThan(before);
  await outbox.stop();
});
