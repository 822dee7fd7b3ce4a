import { afterEach, describe, expect, test } from 'vitest';
import { Lanes } from './lanes.ts';
import { bytesOf, unacknowledgedShare } from './room.ts';

interface Send {
  partition: number;
  values: string[];
  answer: PromiseWithResolvers<void>;
}

/** Closed after each test: what waits in one counts for all of the process. */
const opened: Lanes<string>[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close(0)));
});

const BARE_BYTES = bytesOf({ key: null, value: null, headers: {} });

function lanes() {
  const sends: Send[] = [];
  const rejected: Error[] = [];
  const made = new Lanes<string>({
    send: (partition, records) => {
      const answer = Promise.withResolvers<void>();
      sends.push({ partition, values: records.map(({ value }) => value?.toString() ?? ''), answer });
      return answer.promise;
    },
    acknowledged: () => undefined,
    rejected: (error) => rejected.push(error),
  });
  opened.push(made);
  let added = 0;
  /** @param bytes of all that the record takes */
  const add = (partition: number, bytes = 200): void => {
    const value = Buffer.from(String(added));
    made.add(partition, { key: Buffer.alloc(bytes - BARE_BYTES - value.length), value, headers: {} }, `place ${added}`);
    added++;
  };
  return { lanes: made, sends, rejected, add };
}

const settled = async (): Promise<void> => {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
};
const isPending = async (promise: Promise<unknown>): Promise<boolean> =>
  await Promise.race([promise.then(() => false), settled().then(() => true)]);

test('the last record is sent without a next one', async () => {
  const { sends, add } = lanes();
  add(0);
  await expect.poll(() => sends.map(({ values }) => values)).toEqual([['0']]);
});

test('one send per partition, several partitions at a time; the oldest unacknowledged is known', async () => {
  const { lanes: made, sends, add } = lanes();
  add(0);
  add(1);
  add(0);
  await expect.poll(() => sends.length).toBe(2);
  add(0);
  add(1);
  await settled();
  expect(sends.map(({ partition, values }) => [partition, values])).toEqual([
    [0, ['0', '2']],
    [1, ['1']],
  ]);
  expect(made.oldest()).toBe('place 0');
  sends[0]?.answer.resolve();
  await expect.poll(() => sends[2]).toMatchObject({ partition: 0, values: ['3'] });
  expect(made.oldest()).toBe('place 1');
  sends[1]?.answer.resolve();
  sends[2]?.answer.resolve();
  await expect.poll(() => sends.length).toBe(4);
  sends[3]?.answer.resolve();
  await made.drained();
  expect([made.oldest(), made.unacknowledgedBytes]).toEqual([null, 0]);
});

test('a full batch does not linger, and no send is much larger', async () => {
  const { sends, add } = lanes();
  for (let n = 0; n < 5; n++) add(0, 100_000);
  expect(sends.map(({ values }) => values)).toEqual([['0', '1']]);
});

describe('memory is bounded', () => {
  test('reading waits while too many bytes are not acknowledged', async () => {
    const { lanes: made, sends, add } = lanes();
    add(0, unacknowledgedShare(1) - 1);
    expect(made.full).toBe(false);
    add(0);
    expect(made.full).toBe(true);
    const room = made.room();
    expect(await isPending(room)).toBe(true);
    sends[0]?.answer.resolve();
    await room;
    expect(made.full).toBe(false);
  });

  test('reading waits for a stuck partition, however little it holds', async () => {
    const { lanes: made, sends, add } = lanes();
    add(0);
    await expect.poll(() => sends.length).toBe(1);
    for (let n = 0; n < 300; n++) {
      add(1, 262_144);
      await settled();
      sends.findLast(({ partition }) => partition === 1)?.answer.resolve();
    }
    await settled();
    expect([made.unacknowledgedBytes, made.full]).toEqual([200, true]);
    const room = made.room();
    expect(await isPending(room)).toBe(true);
    sends.find(({ partition }) => partition === 0)?.answer.resolve();
    await room;
  });
});

test('after a rejected send nothing more is sent, and everybody hears of it', async () => {
  const { lanes: made, sends, rejected, add } = lanes();
  add(0);
  add(1);
  await expect.poll(() => sends.length).toBe(2);
  add(1);
  sends[0]?.answer.reject(new Error('leader gone'));
  sends[1]?.answer.resolve();
  await expect(made.drained()).rejects.toThrow('leader gone');
  await expect(made.room()).rejects.toThrow('leader gone');
  await settled();
  expect(sends).toHaveLength(2);
  expect(rejected).toHaveLength(1);
  expect(made.oldest()).toBe('place 0');
});

test('close waits for what is on its way, and not for ever', async () => {
  const { lanes: made, sends, add } = lanes();
  add(0);
  await expect.poll(() => sends.length).toBe(1);
  add(0);
  await made.close(1);
  const closing = made.close(60_000);
  expect(await isPending(closing)).toBe(true);
  sends[0]?.answer.resolve();
  await closing;
  expect(sends).toHaveLength(1);
  expect(made.oldest()).toBe('place 1');
});

test('many Pipelines of a process hold no more than one, and one whose sends hang does not stop the others', async () => {
  const most = unacknowledgedShare(1);
  const all = Array.from({ length: 10 }, () => lanes());
  const [one] = all as [ReturnType<typeof lanes>];
  one.add(0, most / 2);
  expect(one.lanes.full).toBe(false);
  for (const { add } of all.slice(1)) add(0, unacknowledgedShare(10) - 1);
  expect(one.lanes.full).toBe(true);
  const others = all.slice(1);
  expect(others.map(({ lanes: { full } }) => full)).toEqual(others.map(() => false));
  for (const { sends } of others) sends[0]?.answer.resolve();
  await settled();
  expect(one.lanes.full).toBe(false);
  await Promise.all(all.map((made) => made.lanes.close(0)));
  const alone = lanes();
  alone.add(0, most - 1);
  expect(alone.lanes.full).toBe(false);
  await alone.lanes.close(0);
});
