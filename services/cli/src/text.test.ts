import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { count, cut, many, printable, table } from './text.ts';

test('numbers have thousands commas', () => {
  expect([count(0), count(5236), count(405184n), many(1, 'row'), many(1500, 'row')]).toEqual([
    '0',
    '5,236',
    '405,184',
    '1 row',
    '1,500 rows',
  ]);
});

describe('table', () => {
  test('columns stand under one another', () => {
    const lines = table(
      [
        { title: 'pipeline', align: 'left' },
        { title: 'read', align: 'right' },
      ],
      [
        ['traffic', '5,236'],
        ['größe', '1'],
      ],
    );
    expect(lines).toEqual(['pipeline   read', 'traffic   5,236', 'größe         1']);
  });

  test('no line is wider than the terminal', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 40 }),
        (cells, width) => {
          const lines = table(
            cells.map(() => ({ title: 'a title', align: 'left' as const })),
            [cells.map(printable)],
            width,
          );
          for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

test('a cut text says that it was cut', () => {
  expect([cut('abcdef', 6), cut('abcdef', 4)]).toEqual(['abcdef', 'abc…']);
});

test('a device cannot write control sequences to the terminal', () => {
  expect(printable('a\u001b[2Jb\nc\u0000\u009bd\u202e')).toBe('a\\u001b[2Jb\\nc\\u0000\\u009bd\\u202e');
});
