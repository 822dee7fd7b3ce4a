/** What a lane does when the broker's answers change between two requests; the rest is in reader.test.ts. */
import pino from 'pino';
import { expect, test } from 'vitest';
import { guardTest } from '../testing/guardTest.ts';
import type { Fetched } from './fetcher.ts';
import type { Batch, KafkaRecord, Notice, Position } from './kafka.ts';
import { Lane } from './lane.ts';
import type { Located } from './locate.ts';
import { Slots } from './slots.ts';

const record = (offset: number, timestampMs: number): KafkaRecord => ({
  offset,
  timestampMs,
  key: null,
  value: null,
  headers: {},
});
const bookmark = (offset: number) => ({ timestampMs: offset, matches: () => true });
const at = (next: number): Position => ({ next, topicId: 'A', bookmark: bookmark(next - 1) });

interface Broker {
  log: Located;
  records: number[];
  /** Of the records, by which they can be told from others that had their offsets. Default: 0. */
  laterMs?: number;
}

/** A lane over a broker whose state the test changes; each fetch gives one record. */
function run(
  broker: Broker,
  load: () => Position,
  before: (offset: number, batch: Batch) => void | Promise<void> = () => {},
  previous = Promise.resolve(),
) {
  const handled: number[] = [];
  const notices: Notice[] = [];
  const reasons: (string | null)[] = [];
  const lane: Lane = new Lane(
    {
      partition: 0,
      read: {
        group: 'g',
        topic: 't',
        load: async () => {
          reasons.push(lane.state.reason);
          return load();
        },
        handle: async (batch) => {
          for (const { offset } of batch.records) {
            await before(offset, batch);
            handled.push(offset);
          }
        },
        notice: (notice) => notices.push(notice),
      },
      locate: async () => broker.log,
      fetch: (offset, signal) =>
        new Promise<Fetched>((resolve, reject) => {
          const look = () => {
            if (signal.aborted) return reject(signal.reason);
            const found = broker.records.find((one) => one >= offset);
            if (offset < broker.log.start || offset > broker.log.end)
              return reject(Object.assign(new Error('out of range'), { type: 'OFFSET_OUT_OF_RANGE' }));
            if (found === undefined) return setTimeout(look, 2);
            const hold = { overdue: () => {}, release: () => {} };
            resolve({
              ...broker.log,
              decode: () => [record(found, found + (broker.laterMs ?? 0))],
              next: found + 1,
              bytes: 1,
              hold,
            });
          };
          look();
        }),
      commit: async () => {},
      slots: new Slots(() => 1),
      log: pino({ level: 'silent' }),
    },
    previous,
  );
  return { lane, handled, notices, reasons };
}

const eventually = { timeout: 8_000, interval: 5 };
const state = (start: number, end: number, leaderEpoch = 1): Located => ({
  topicId: 'A',
  partitions: 1,
  start,
  end,
  leaderEpoch,
});

guardTest('a former leader whose log ends earlier for a moment is taken for a log that was cut back', {
  scenario: async () => {
    const broker = { log: state(0, 3), records: [0, 1, 2] };
    let loads = 0;
    const { lane, handled, notices } = run(broker, () => {
      loads += 1;
      if (loads === 2) Object.assign(broker, { log: state(0, 7, 2), records: [0, 1, 2, 3, 4, 5, 6] });
      return at(5);
    });
    await expect.poll(() => handled.length, eventually).toBeGreaterThan(1);
    await lane.stop(0);
    return { handled: handled.slice(0, 2), notices: notices.map(({ kind }) => kind) };
  },
  right: { handled: [5, 6], notices: [] },
  without: { 'second-look': { handled: [0, 1], notices: ['truncated'] } },
});

test('a log that stays cut back is told and read from its beginning', async () => {
  const { lane, handled, notices } = run({ log: state(0, 3), records: [0, 1, 2] }, () => at(5));
  await expect.poll(() => handled, eventually).toEqual([0, 1, 2]);
  expect(notices).toEqual([
    { kind: 'truncated', topic: 't', partition: 0, next: 5, end: 3, restartAt: 0, bookmark: { timestampMs: 4 } },
  ]);
  await lane.stop(0);
});

test('a new leader has its log checked against the bookmark before anything more is read', async () => {
  const broker = { log: state(0, 9), records: [5] };
  let stored = 5;
  const { lane, handled, notices, reasons } = run(
    broker,
    () => at(stored),
    (offset) => {
      stored = offset + 1;
    },
  );
  broker.records.unshift(4);
  await expect.poll(() => handled, eventually).toEqual([5]);
  Object.assign(broker, { log: state(0, 9, 2), records: [4, 5, 6] });
  await expect.poll(() => handled, eventually).toEqual([5, 6]);
  expect(reasons).toEqual([null, 'partition 0 of topic t has a new leader']);
  expect(notices).toEqual([]);
  await lane.stop(0);
});

test('a reload that never ends does not spin', async () => {
  const broker = { log: state(0, 9), records: [4, 5] };
  let loads = 0;
  const { lane } = run(broker, () => {
    loads++;
    broker.log = { ...broker.log, topicId: `${loads}` };
    return { next: null, bookmark: null, topicId: null };
  });
  await expect.poll(() => lane.state.state, eventually).toBe('paused');
  expect(loads).toBeLessThan(6);
  await lane.stop(0);
});

guardTest('a log is cut under a living reader by a new leader, and grows longer than it was', {
  scenario: async () => {
    const broker: Broker = { log: state(0, 5), records: [3, 4] };
    let stored = 4;
    const { lane, handled } = run(
      broker,
      () => at(stored),
      (offset) => {
        stored = offset + 1;
      },
    );
    await expect.poll(() => handled, eventually).toEqual([4]);
    Object.assign(broker, { log: state(0, 7, 2), records: [0, 1, 2, 3, 4, 5, 6], laterMs: 100 });
    await expect.poll(() => handled.at(-1), eventually).toBe(6);
    await lane.stop(0);
    return handled;
  },
  right: [4, 0, 1, 2, 3, 4, 5, 6],
  without: { 'leader-epoch': [4, 5, 6] },
});

const BEGINNING: Position = { next: null, bookmark: null, topicId: null };

guardTest('a partition comes back while the handler of its former time still runs', {
  scenario: async () => {
    const release = Promise.withResolvers<void>();
    const broker = { log: state(0, 9), records: [0] };
    let running = 0;
    let most = 0;
    const hold = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await release.promise;
      running--;
    };
    const first = run(broker, () => BEGINNING, hold);
    await expect.poll(() => running, eventually).toBe(1);
    await first.lane.stop(0);
    const next = run(broker, () => BEGINNING, hold, first.lane.done);
    // One with nobody before it, started later: it comes as far as the other one would.
    const free = run(broker, () => BEGINNING);
    await expect.poll(() => free.handled, eventually).toEqual([0]);
    release.resolve();
    await first.lane.done;
    await expect.poll(() => next.handled, eventually).toEqual([0]);
    await Promise.all([next.lane.stop(0), free.lane.stop(0)]);
    return { atATime: most };
  },
  right: { atATime: 1 },
  without: { 'one-handler': { atATime: 2 } },
});

guardTest('a handler goes on with a partition that was taken away', {
  scenario: async () => {
    const release = Promise.withResolvers<void>();
    const committed = Promise.withResolvers<string>();
    let running = 0;
    const work = async (offset: number, batch: Batch): Promise<void> => {
      running++;
      await release.promise;
      const outcome = batch.commit(offset + 1, '').then(
        () => 'committed',
        () => 'refused',
      );
      committed.resolve(`${batch.signal.aborted ? 'aborted' : 'going on'}, ${await outcome}`);
    };
    const { lane } = run({ log: state(0, 9), records: [0] }, () => BEGINNING, work);
    await expect.poll(() => running, eventually).toBe(1);
    await lane.stop(1);
    release.resolve();
    return committed.promise;
  },
  right: 'aborted, refused',
  without: { 'lost-membership-abort': 'going on, committed' },
});
