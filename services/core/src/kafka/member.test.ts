import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { handOut } from './member.ts';

describe('handing out partitions', () => {
  test('each partition has one member, shares differ by at most one, and all members reckon alike', () => {
    fc.assert(
      fc.property(fc.nat({ max: 50 }), fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 10 }), (partitions, members) => {
        const shares = handOut(partitions, members);
        expect([...shares.keys()].sort()).toEqual([...members].sort());
        expect([...shares.values()].flat().sort((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, i) => i));
        const sizes = [...shares.values()].map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(handOut(partitions, [...members].reverse())).toEqual(shares);
      }),
    );
  });
});
