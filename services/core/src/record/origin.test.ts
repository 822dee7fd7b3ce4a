/** A record of another tool is never taken for one of ours, and no origin for another. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeOrigin, encodeOrigin } from './origin.ts';

const ALLOWED = /^([A-Za-z0-9_~-]{1,40}):(\d{1,16}):(\d{1,9}):(\d{1,9})$/;
const topicId = fc.stringMatching(/^[A-Za-z0-9_~-]{1,40}$/);
const number = fc.nat(999_999_999);

describe('origins', () => {
  test('come back as they were written', () => {
    const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(fc.record({ topicId, offset, index: number, count: number }), (origin) => {
        expect(decodeOrigin(Buffer.from(encodeOrigin(origin)))).toEqual(origin);
      }),
    );
  });

  test('are read from texts of their form only', () => {
    const piece = fc.oneof(
      topicId,
      number.map(String),
      fc.constantFrom(':', '::', '-1', '', ' 1', '1e3', '0x1', 'é', '12345678901234567'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.constantFrom(':', ''), (pieces, between) => {
        const text = pieces.join(between);
        const match = ALLOWED.exec(text);
        if (match === null)
          expect(() => decodeOrigin(Buffer.from(text)), text).toThrow(`header origin is ${JSON.stringify(text.slice(0, 80))}`);
        else
          expect(encodeOrigin(decodeOrigin(Buffer.from(text))), text).toBe([match[1], ...match.slice(2).map(Number)].join(':'));
      }),
      { numRuns: 2_000 },
    );
  });
});
