import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { median, medianRatio, quantile } from './statistics.ts';

describe('a quantile', () => {
  test.each([
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.5, 5],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.99, 10],
    [[10, 9, 100], 0.5, 10], // as numbers, not as text
    [[7], 0.001, 7],
    [[1, 2], 1, 2],
  ])('of %j at %d is %d', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });

  test('is a value that occurred, and at least that share of the values is no larger', () => {
    const values = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(values, fc.double({ min: 0.001, max: 1, noNaN: true }), (values, q) => {
        const found = quantile(values, q);
        const noLarger = values.filter((value) => value <= found).length;
        const smaller = values.filter((value) => value < found).length;
        expect(values).toContain(found);
        expect(noLarger).toBeGreaterThanOrEqual(Math.ceil(q * values.length));
        expect(smaller).toBeLessThan(Math.ceil(q * values.length));
      }),
    );
  });

  test('of nothing, or of no share, is refused', () => {
    expect(() => quantile([], 0.5)).toThrow('no values');
    expect(() => quantile([1], 0)).toThrow('above 0');
    expect(() => quantile([1], 99)).toThrow('at most 1');
  });
});

test('a median is the middle one, or between the two', () => {
  expect(median([30, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 30])).toBe(3);
  expect(() => median([])).toThrow('no values');
});

test('a slow round does not change a ratio, since it slows both', () => {
  expect(medianRatio([80, 8, 82], [100, 10, 100])).toBeCloseTo(0.8);
  expect(() => medianRatio([1, 2], [1])).toThrow('one of each per round');
});
