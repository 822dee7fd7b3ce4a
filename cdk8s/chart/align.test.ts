import fc from 'fast-check';
import { expect, test } from 'vitest';
import { align } from './align.ts';

const word = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 });

test('each list is what is left where the slots without it are taken out', () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (lists) => {
      const slots = align(lists, String);
      for (const [index, list] of lists.entries())
        expect(slots.flatMap((slot) => (slot.has(index) ? [slot.get(index)] : []))).toEqual(list);
      for (const slot of slots) expect(new Set(slot.values()).size).toBe(1);
    }),
  );
});

test('what is the same stands once', () => {
  const slots = align(
    [
      ['a', 'b', 'z'],
      ['a', 'z'],
      ['a', 'b', 'z'],
      ['b', 'z', 'q'],
    ],
    String,
  );
  expect(slots.map((slot) => [...slot.keys()])).toEqual([[0, 1, 2], [0, 2, 3], [0, 1, 2, 3], [3]]);
});
