import { describe, expect, test } from 'vitest';
import { Slots, slotsOf } from './slots.ts';

const never = new AbortController().signal;

describe('slots', () => {
  test('no more work at a time than there are slots, and all of it in turn', async () => {
    const slots = new Slots(() => 2);
    let now = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 9 }, async (_, index) => {
        const release = await slots.take(never);
        most = Math.max(most, ++now);
        order.push(index);
        await new Promise(setImmediate);
        now--;
        release();
        release();
      }),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('one that stops waiting takes no slot', async () => {
    const slots = new Slots(() => 1);
    const release = await slots.take(never);
    const leaving = new AbortController();
    const waiting = slots.take(leaving.signal);
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    release();
    (await slots.take(never))();
  });

  test('the part of a reader shrinks while others have work, never to nothing, and grows again', async () => {
    let busy = 1;
    const slots = new Slots(() => slotsOf(busy));
    const first = await Promise.all(Array.from({ length: 4 }, () => slots.take(never)));
    busy = 10;
    let entered = 0;
    const waiting = Array.from({ length: 3 }, () =>
      slots.take(never).then((release) => {
        entered++;
        return release;
      }),
    );
    for (const release of first.slice(0, 3)) release();
    await new Promise(setImmediate);
    expect(entered).toBe(0);
    first[3]?.();
    await new Promise(setImmediate);
    expect(entered).toBe(1);
    busy = 2;
    (await waiting[0])?.();
    await new Promise(setImmediate);
    expect(entered).toBe(3);
    for (const release of await Promise.all(waiting)) release();
    expect(slots.isBusy).toBe(false);
  });

  test('so many readers at work hold no more than a process may, or one each', () => {
    for (const readers of [2, 4, 8]) expect(readers * slotsOf(readers)).toBeLessThanOrEqual(8);
    expect([slotsOf(0), slotsOf(1), slotsOf(2), slotsOf(50)]).toEqual([4, 4, 4, 1]);
  });
});
