/** What a lane does when the broker's answers change between two requests; the rest is in reader.test.ts. */
import pino from 'pino';
import { expect, test } from 'vitest';
import type { Fetched } from './fetcher.ts';
import type { KafkaRecord, Notice, Position } from './kafka.ts';
import { Lane } from './lane.ts';
import type { Located } from './locate.ts';
import { Slots } from './slots.ts';

const record = (offset: number): KafkaRecord => ({ offset, timestampMs: offset, key: null, value: null, headers: {} });
const bookmark = (offset: number) => ({ timestampMs: offset, matches: () => true });
const at = (next: number): Position => ({ next, topicId: 'A', bookmark: bookmark(next - 1) });

interface Broker {
  log: Located;
  records: number[];
}

/** A lane over a broker whose state the test changes; each fetch gives one record. */
function run(broker: Broker, load: () => Position, before: (offset: number) => void | Promise<void> = () => {}) {
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
        handle: async ({ records }) => {
          for (const { offset } of records) {
            await before(offset);
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
            resolve({ ...broker.log, decode: () => [record(found)], next: found + 1, bytes: 1, hold });
          };
          look();
        }),
      commit: async () => {},
      slots: new Slots(1),
      log: pino({ level: 'silent' }),
    },
    Promise.resolve(),
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

test('a former leader whose log ends earlier for a moment is not taken for a log that was cut back', async () => {
  const broker = { log: state(0, 3), records: [0, 1, 2] };
  const { lane, handled, notices } = run(broker, () => at(5));
  setTimeout(() => Object.assign(broker, { log: state(0, 7, 2), records: [0, 1, 2, 3, 4, 5, 6] }), 300);
  await expect.poll(() => handled, eventually).toEqual([5, 6]);
  expect(notices).toEqual([]);
  await lane.stop(0);
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

test('the next lane of a partition waits until the handler of the one before has ended', async () => {
  const release = Promise.withResolvers<void>();
  const broker = { log: state(0, 9), records: [0] };
  const first = run(
    broker,
    () => ({ next: null, bookmark: null, topicId: null }),
    () => release.promise,
  );
  await expect.poll(() => first.lane.state.state, eventually).toBe('reading');
  await first.lane.stop(0);
  let isOver = false;
  void first.lane.done.then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  release.resolve();
  await first.lane.done;
});
