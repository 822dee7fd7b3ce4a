import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InOrder } from './inOrder.ts';

test('in whatever order they fall due, acknowledgements are given in the order of their messages, each once and as soon as it may', () => {
  const orders = fc.integer({ min: 1, max: 20 }).chain((count) => {
    const all = Array.from({ length: count }, (_, n) => n);
    return fc.shuffledSubarray(all, { minLength: count, maxLength: count });
  });
  fc.assert(
    fc.property(orders, (order) => {
      const given: number[] = [];
      const inOrder = new InOrder();
      const due = order.toSorted((a, b) => a - b).map((n) => inOrder.next(() => given.push(n)));
      const done = new Set<number>();
      for (const n of order) {
        due[n]?.();
        done.add(n);
        let may = 0;
        while (done.has(may)) may++;
        expect(given).toEqual(Array.from({ length: may }, (_, at) => at));
      }
    }),
  );
});
