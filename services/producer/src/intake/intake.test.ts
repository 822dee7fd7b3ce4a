/** What devices are told, against a model of Kafka: whatever becomes of sends, and whenever it ends. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Kafka, OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { partitionOf } from '@millrace/core/kafka/partition.ts';
import { UNREADABLE_HEADER } from '@millrace/core/record/raw.ts';
import fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect, test, vi } from 'vitest';
import type { KeyedRecord } from '../send/key.ts';
import { FakeBroker, type Fate } from '../testing/fakeKafka.ts';
import { until } from '../testing/pipeline.ts';
import type { Told } from './held.ts';
import { Intake, type IntakeOptions } from './intake.ts';

/** Why sends were rejected. */
const rejections: string[] = [];
const log = pino(
  { level: 'warn' },
  { write: (line) => rejections.push((JSON.parse(line) as { err?: { message: string } }).err?.message ?? '') },
);
const recordOf = (device: number, n: number, bytes = 0): KeyedRecord => ({
  key: Buffer.from(`d${device}`),
  value: Buffer.from(String(n).padEnd(bytes)),
  headers: {},
});
const intakes = new Set<Intake>();

afterEach(async () => {
  await Promise.all([...intakes].map((intake) => intake.stop()));
  intakes.clear();
  rejections.length = 0;
});

function intakeOf(kafka: Kafka, options: Partial<IntakeOptions> & { metrics?: Registry } = {}): Intake {
  const { metrics = new Registry(), ...more } = options;
  const labels = { pipeline: 'p', source: 'test' };
  const intake = new Intake({ context: { kafka, log, metrics }, topic: 'raw', labels, lingerMs: 2, ...more });
  intakes.add(intake);
  return intake;
}

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
const untilTaking = (intake: Intake): Promise<true> => until(() => (intake.full || !intake.health().ready ? null : true));

function logged(broker: FakeBroker): OutRecord[] {
  return broker
    .topic('raw')
    .logs.flat()
    .map(({ key, value }) => ({ key, value, headers: {} }));
}

/** Who cannot send again: the records are told as acknowledged, or not at all. */
const waits = (acknowledged: () => void): Told => ({ acknowledged, rejected: null });

/** A Kafka whose sends to these partitions wait until they are let go. */
function gated(kafka: Kafka, partitions: readonly number[]): { kafka: Kafka; sending: Promise<void>; letGo(): void } {
  const gate = Promise.withResolvers<void>();
  const sending = Promise.withResolvers<void>();
  const sender = (): Sender => {
    const inner = kafka.sender();
    const send: Sender['send'] = async (topic, partition, ...rest) => {
      if (partitions.includes(partition)) {
        sending.resolve();
        await gate.promise;
      }
      return inner.send(topic, partition, ...rest);
    };
    return { send, close: async () => gate.reject(new Error('the sender was closed')) };
  };
  gate.promise.catch(() => undefined); // also where nothing was sent
  return { kafka: { ...kafka, sender }, sending: sending.promise, letGo: gate.resolve };
}

/** One that goes to this partition of two. */
function recordTo(partition: number, bytes = 0): KeyedRecord {
  const all = Array.from({ length: 20 }, (_, device) => recordOf(device, partition, bytes));
  return all.find(({ key }) => partitionOf(key, 2) === partition) as KeyedRecord;
}

test('whatever becomes of sends: told once, acknowledged only what is in the log, and in order for each device', async () => {
  const fates = fc.array(fc.constantFrom<Fate>('taken', 'taken', 'taken', 'unanswered', 'rejected'), { maxLength: 12 });
  const takings = fc.array(
    fc.record({ devices: fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }), sendsAgain: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 25,
    },
  );
  await fc.assert(
    fc.asyncProperty(fates, takings, fc.integer({ min: 1, max: 3 }), async (all, takes, partitions) => {
      const broker = new FakeBroker();
      broker.create('raw', partitions);
      const left = [...all];
      const metrics = new Registry();
      const intake = intakeOf(broker.client(() => left.shift() ?? 'taken').kafka, { metrics });
      const stored = (): Set<string> => new Set(logged(broker).map(({ value }) => String(value)));
      await untilTaking(intake);
      const told = takes.map((): string[] => []);
      const heldTo: number[] = [];
      let n = 0;
      for (const [at, { devices, sendsAgain }] of takes.entries()) {
        if (intake.full) await until(() => (intake.full ? null : true));
        const records = devices.map((device) => recordOf(device, n++));
        if (!sendsAgain) heldTo.push(...records.map(({ value }) => Number(value)));
        const acknowledged = (): void => {
          expect(records.every(({ value }) => stored().has(String(value)))).toBe(true);
          told[at]?.push('acknowledged');
        };
        intake.take(records, { acknowledged, rejected: sendsAgain ? () => told[at]?.push('rejected') : null });
        if (at % 4 === 0) await turn();
      }
      await intake.drain();
      for (const [at, { sendsAgain }] of takes.entries())
        expect(told[at]).toEqual([sendsAgain ? expect.stringMatching(/^(acknowledged|rejected)$/) : 'acknowledged']);
      for (const value of heldTo) expect(stored()).toContain(String(value));
      // Of each device the first time that a record that is held is there is in order.
      for (const partition of broker.topic('raw').logs)
        for (const [, records] of Map.groupBy(partition, ({ key }) => String(key))) {
          const firsts = [...new Set(records.map(({ value }) => Number(value)))].filter((value) => heldTo.includes(value));
          expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
        }
      await intake.stop();
      expect(rejections.filter((why) => !/^send (unanswered|rejected)$/.test(why))).toEqual([]);
    }),
    { numRuns: 40 },
  );
}, 120_000);

test('what comes before the topic is there is sent when it is, and room is told then', async () => {
  const broker = new FakeBroker();
  const room = Promise.withResolvers<void>();
  const intake = intakeOf(broker.client(() => 'taken').kafka, { room: room.resolve });
  await until(() => (/there is no topic raw/.test(intake.health().state) ? true : null));
  expect([intake.full, intake.health().phase]).toEqual([true, 'starting']);
  const acknowledged: number[] = [];
  for (const n of [0, 1])
    intake.take(
      [recordOf(n, n)],
      waits(() => acknowledged.push(n)),
    );
  broker.create('raw', 1);
  await room.promise;
  expect([intake.full, intake.admission]).toEqual([false, { kind: 'open' }]);
  intake.take(
    [recordOf(2, 2)],
    waits(() => acknowledged.push(2)),
  );
  await until(() => (acknowledged.length === 3 ? true : null));
  expect(acknowledged).toEqual([0, 1, 2]);
  expect(logged(broker)).toHaveLength(3);
});

test('while Kafka takes nothing it fills up, and says so; room is told afterwards', async () => {
  const broker = new FakeBroker();
  broker.create('raw', 1);
  const { kafka, letGo } = gated(broker.client(() => 'taken').kafka, [0]);
  const room = vi.fn();
  const intake = intakeOf(kafka, { room });
  await untilTaking(intake);
  let [added, acknowledged] = [0, 0];
  const one = waits(() => acknowledged++);
  while (!intake.full) intake.take([recordOf(1, added++, 100_000)], one);
  expect(added).toBeLessThan(60);
  expect(intake.admission).toEqual({ kind: 'full' });
  room.mockClear();
  letGo();
  await until(() => (acknowledged === added ? true : null));
  expect(intake.full).toBe(false);
  expect(room).toHaveBeenCalled();
});

test('a partition that is stuck does not let others hold memory without end', async () => {
  const broker = new FakeBroker();
  broker.create('raw', 2);
  const intake = intakeOf(gated(broker.client(() => 'taken').kafka, [0]).kafka);
  await untilTaking(intake);
  intake.take(
    [recordTo(0)],
    waits(() => undefined),
  );
  let acknowledged = 0;
  while (!intake.full && acknowledged < 100) {
    const done = Promise.withResolvers<void>();
    intake.take([recordTo(1, 1_000_000)], waits(done.resolve));
    await done.promise;
    acknowledged++;
  }
  expect(intake.full).toBe(true);
  expect(acknowledged).toBeGreaterThan(10);
});

test('who sends again hears of a rejected send at once, and the next one is taken soon', async () => {
  const broker = new FakeBroker();
  broker.create('raw', 1);
  const fates: Fate[] = ['rejected'];
  const intake = intakeOf(broker.client(() => fates.shift() ?? 'taken').kafka);
  await untilTaking(intake);
  const rejected = Promise.withResolvers<string>();
  intake.take([recordOf(1, 1)], { acknowledged: () => rejected.reject(new Error('acknowledged')), rejected: rejected.resolve });
  expect(await rejected.promise).toBe('send rejected');
  await untilTaking(intake);
  const acknowledged = Promise.withResolvers<void>();
  intake.take([recordOf(1, 2)], {
    acknowledged: acknowledged.resolve,
    rejected: (why) => acknowledged.reject(new Error(why)),
  });
  await acknowledged.promise;
  expect(logged(broker).map(({ value }) => String(value))).toEqual(['2']);
});

test('after a rejected send nothing more is taken until all that is on its way has ended', async () => {
  const broker = new FakeBroker();
  broker.create('raw', 2);
  const fates: Fate[] = ['rejected'];
  const { kafka, sending, letGo } = gated(broker.client(() => fates.shift() ?? 'taken').kafka, [1]);
  const intake = intakeOf(kafka);
  await untilTaking(intake);
  const told: string[] = [];
  const tells = (name: string): Told => ({
    acknowledged: () => told.push(`${name} acknowledged`),
    rejected: (why) => told.push(`${name} ${why}`),
  });
  intake.take([recordTo(1)], tells('slow'));
  await sending;
  intake.take([recordTo(0)], tells('other'));
  await until(() => (told.length === 2 ? true : null));
  expect(told).toEqual(['slow send rejected', 'other send rejected']);
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(intake.admission).toEqual({ kind: 'away', why: 'send rejected' });
  letGo();
  await untilTaking(intake);
  intake.take([recordTo(1)], tells('next'));
  await intake.drain();
  expect(told).toEqual(['slow send rejected', 'other send rejected', 'next acknowledged']);
});

test('records that the source could not read are counted as such, whatever the source', async () => {
  const broker = new FakeBroker();
  broker.create('raw', 1);
  const metrics = new Registry();
  const intake = intakeOf(broker.client(() => 'taken').kafka, { metrics });
  await untilTaking(intake);
  const record = { key: Buffer.from('key'), value: Buffer.from('value'), headers: { [UNREADABLE_HEADER]: 'too large' } };
  intake.take(
    [record, recordOf(1, 1)],
    waits(() => undefined),
  );
  await intake.drain();
  const values = (await metrics.getMetricsAsJSON()).map(({ name, values: [first] }) => [name, first?.value]);
  expect(Object.fromEntries(values)).toMatchObject({
    millrace_producer_records_total: 2,
    millrace_producer_bytes_total: 11,
    millrace_producer_unreadable_total: 1,
  });
});

test('ended while sends wait it lets go at once, tells who can send again, and leaves no timer', async () => {
  const broker = new FakeBroker();
  broker.create('raw', 1);
  const before = timers();
  const { kafka, sending } = gated(broker.client(() => 'taken').kafka, [0]);
  const intake = intakeOf(kafka);
  await untilTaking(intake);
  const told: string[] = [];
  intake.take([recordOf(1, 1)], { acknowledged: () => told.push('acknowledged'), rejected: (why) => told.push(why) });
  intake.take(
    [recordOf(1, 2)],
    waits(() => told.push('acknowledged')),
  );
  await sending;
  await intake.stop();
  expect(told).toEqual(['the producer ends']);
  expect(intake.admission).toEqual({ kind: 'away', why: 'the producer ends' });
  expect(timers()).toBeLessThanOrEqual(before);
});

test('ended while Kafka does not answer a look at the topic it does not wait for that', async () => {
  const asked = Promise.withResolvers<void>();
  const topic: Kafka['topic'] = () => {
    asked.resolve();
    return new Promise(() => undefined);
  };
  const before = timers();
  const intake = intakeOf({ ...new FakeBroker().client(() => 'taken').kafka, topic });
  await asked.promise;
  await intake.stop();
  expect(timers()).toBeLessThanOrEqual(before);
});
