import { expect, test } from 'vitest';
import { count, countMerged, entriesOf, type Hours, hourOf, ledgerSql } from './ledger.ts';

test.each([
  [0, 0],
  [3_599_999, 0],
  [-1, -3600],
  [1.7e18, 253_402_297_200], // nanoseconds where milliseconds belong: the last hour of the year 9999
  [-1e18, -62_135_596_800],
])('the hour of %d ms starts at %d s', (timestampMs, expected) => {
  expect(hourOf(timestampMs)).toBe(expected);
});

test('counts add up per topic id and hour, and nothing to count is no statement', () => {
  const hours: Hours = new Map();
  count(hours, 't', 10, 'lost', 0);
  expect(ledgerSql('default/p', 0, hours)).toBeNull();
  count(hours, 't', 3_600_000, 'stored');
  count(hours, 't', 3_600_001, 'stored', 2);
  count(hours, 't', 0, 'repeats');
  count(hours, 's', 0, 'stored');
  expect(entriesOf(hours)).toEqual([
    { topicId: 't', hour: 3600, counts: { stored: 3, refused: 0, repeats: 0, merged: 0, lost: 0 } },
    { topicId: 't', hour: 0, counts: { stored: 0, refused: 0, repeats: 1, merged: 0, lost: 0 } },
    { topicId: 's', hour: 0, counts: { stored: 1, refused: 0, repeats: 0, merged: 0, lost: 0 } },
  ]);
  expect(ledgerSql("o'hara/p", 1, hours)).toMatch(
    /VALUES \('o''hara\/p', 1, 's', to_timestamp\(0\), 1, 0, 0, 0, 0\), \('o''hara\/p', 1, 't', to_timestamp\(0\), 0, 0, 1, 0, 0\), \('o''hara/,
  );
});

test('merged rows are taken from those stored in their hour, also of two topics', () => {
  const hours: Hours = new Map();
  count(hours, 'a', 0, 'stored', 2);
  count(hours, 'b', 0, 'stored', 5);
  countMerged(hours, new Map([[0, 4]]));
  expect(entriesOf(hours).map(({ counts: { stored, merged } }) => [stored, merged])).toEqual([
    [0, 2],
    [3, 2],
  ]);
  expect(() => countMerged(hours, new Map([[0, 4]]))).toThrow(/1 more than were written/);
});
