import fc from 'fast-check';
import { expect, test } from 'vitest';
import { spans } from './originals.ts';

test('all wanted offsets are read, each once, and not much besides', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(20_000), { maxLength: 60 }), (offsets) => {
      const pieces = spans(offsets);
      for (const offset of offsets) expect(pieces.filter(({ from, to }) => from <= offset && offset < to)).toHaveLength(1);
      for (const { from, to } of pieces) {
        const inside = offsets.filter((offset) => offset >= from && offset < to).toSorted((a, b) => a - b);
        expect([inside[0], inside.at(-1)]).toEqual([from, to - 1]);
        expect(to - from).toBeLessThanOrEqual(inside.length * 1_001);
      }
    }),
  );
});
