import { expect, test } from 'vitest';
import { count, type Hours, hourOf, ledgerSql } from './ledger.ts';

test.each([
  [0, 0],
  [3_599_999, 0],
  [-1, -3600],
  [1.7e18, 253_402_297_200], // nanoseconds where milliseconds belong: the last hour of the year 9999
  [-1e18, -62_135_596_800],
])('the hour of %d ms starts at %d s', (timestampMs, expected) => {
  expect(hourOf(timestampMs)).toBe(expected);
});

test('counts add up per hour, and nothing to count is no statement', () => {
  const hours: Hours = new Map();
  count(hours, 10, 'lost', 0);
  expect(ledgerSql('default/p', 0, hours)).toBeNull();
  count(hours, 3_600_000, 'stored');
  count(hours, 3_600_001, 'stored', 2);
  count(hours, 0, 'repeats');
  expect([...hours]).toEqual([
    [3600, { stored: 3, refused: 0, repeats: 0, merged: 0, lost: 0 }],
    [0, { stored: 0, refused: 0, repeats: 1, merged: 0, lost: 0 }],
  ]);
  expect(ledgerSql("o'hara/p", 1, hours)).toMatch(/VALUES \('o''hara\/p', 1, to_timestamp\(0\), 0, 0, 1, 0, 0\), \('o''hara/);
});
