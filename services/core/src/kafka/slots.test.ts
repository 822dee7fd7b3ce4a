import { describe, expect, test } from 'vitest';
import { Slots } from './slots.ts';

const never = new AbortController().signal;

describe('slots', () => {
  test('no more work at a time than there are slots, and all of it in turn', async () => {
    const slots = new Slots(2);
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
    const slots = new Slots(1);
    const release = await slots.take(never);
    const leaving = new AbortController();
    const waiting = slots.take(leaving.signal);
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    release();
    (await slots.take(never))();
  });
});
