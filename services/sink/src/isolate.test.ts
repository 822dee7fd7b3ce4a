import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pieces } from './isolate.ts';

describe('how a refused part is cut', () => {
  test.each([
    ['around the line that the error names', 6, 3, [[0, 1], [2], [3, 4], [5]]],
    ['the first line', 3, 1, [[0], [1], [2]]],
    ['the last line', 3, 3, [[0, 1], [2]]],
    [
      'no line: halves',
      5,
      null,
      [
        [0, 1, 2],
        [3, 4],
      ],
    ],
    ['a line that cannot be: halves', 2, 9, [[0], [1]]],
  ])('%s', (_what, rows, line, expected) => {
    expect(
      pieces(
        Array.from({ length: rows }, (_, i) => i),
        line,
      ),
    ).toEqual(expected);
  });

  test('every row is in one piece, in order, and each piece is smaller, so that it ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 500 }), fc.option(fc.integer({ min: -1, max: 600 })), (rows, line) => {
        const part = Array.from({ length: rows }, (_, i) => i);
        const cut = pieces(part, line);
        expect(cut.flat()).toEqual(part);
        expect(cut.every(({ length }) => length > 0 && length < rows)).toBe(true);
      }),
    );
  });
});
