import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangesOf } from './bucket.ts';

describe('buckets joined to ranges', () => {
  test.each([
    [[], []],
    [[20], [[20, 30]]],
    [
      [30, 10, 20, 20, 60],
      [
        [10, 40],
        [60, 70],
      ],
    ],
  ])('%j', (buckets, ranges) => {
    expect(rangesOf(buckets, 10).map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual(ranges);
  });

  test('hold exactly the buckets, and no two ranges touch', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 })), fc.integer({ min: 1, max: 9 }), (numbers, everyMs) => {
        const buckets = numbers.map((n) => n * everyMs);
        const ranges = rangesOf(buckets, everyMs);
        const held = ranges.flatMap(({ fromMs, toMs }) =>
          Array.from({ length: (toMs - fromMs) / everyMs }, (_, i) => fromMs + i * everyMs),
        );
        expect(held).toEqual([...new Set(buckets)].sort((a, b) => a - b));
        for (const [index, range] of ranges.entries()) expect(range.fromMs).toBeGreaterThan(ranges[index - 1]?.toMs ?? -Infinity);
      }),
    );
  });
});
