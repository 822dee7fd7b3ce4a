import { expect, test } from 'vitest';
import { rounds } from './rounds.ts';

test('contestants take turns, one at a time', async () => {
  const order: string[] = [];
  let running = 0;
  const contestant = (name: string) => async (round: number) => {
    expect(running++).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(name);
    running--;
    return `${name}${round}`;
  };
  expect(await rounds(2, { a: contestant('a'), b: contestant('b') })).toEqual({ a: ['a0', 'a1'], b: ['b0', 'b1'] });
  expect(order).toEqual(['a', 'b', 'a', 'b']);
});
