import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareHours } from './compareHours.ts';

const given = { partition: 0, topicId: 't', what: 'rows' };
const hours = fc.array(fc.nat(20), { maxLength: 8 });
const mapOf = (counts: number[]): Map<number, number> => new Map(counts.map((count, hour) => [hour, count]));

test('equal hours are equal, also where some were not copied and stand in one sum', () => {
  fc.assert(
    fc.property(hours, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (counts, copied) => {
      const rest = counts.reduce((sum, count, hour) => sum + (copied[hour] ? 0 : count), 0);
      const expected = mapOf(counts.map((count, hour) => (copied[hour] ? count : 0)));
      expect(compareHours({ ...given, expected, rest, found: mapOf(counts) }).findings).toEqual([]);
    }),
  );
});

test('one more or one less in an hour is found there', () => {
  fc.assert(
    fc.property(hours, fc.nat(), fc.constantFrom(-1, 1), (counts, at, by) => {
      fc.pre(counts.length > 0);
      const hour = at % counts.length;
      fc.pre((counts[hour] ?? 0) + by >= 0);
      const found = mapOf(counts.with(hour, (counts[hour] ?? 0) + by));
      const { findings } = compareHours({ ...given, expected: mapOf(counts), rest: 0, found });
      expect(findings).toHaveLength(1);
      expect(findings[0]).toMatchObject({ hour: new Date(hour * 3_600_000).toISOString(), expected: counts[hour] });
    }),
  );
});

test('a loss in an hour is not made good by a surplus in another, nor hidden by hours that were not copied', () => {
  const expected = mapOf([10, 10]);
  expect(compareHours({ ...given, expected, rest: 0, found: mapOf([9, 11]) }).findings).toHaveLength(2);
  expect(compareHours({ ...given, expected, rest: 5, found: mapOf([10, 14]) }).findings).toMatchObject([
    { expected: 25, found: 24 },
  ]);
  expect(compareHours({ ...given, expected, rest: 5, found: mapOf([9, 15]) }).findings).toMatchObject([
    { expected: 10, found: 9 },
  ]);
});

test('of a topic that is gone a surplus is told, a loss is found; hours before the first whole one are not compared', () => {
  const expected = mapOf([10, 10]);
  expect(compareHours({ ...given, expected, rest: 0, found: mapOf([10, 13]), gone: true })).toEqual({ findings: [], surplus: 3 });
  expect(compareHours({ ...given, expected, rest: 0, found: mapOf([10, 7]), gone: true }).findings).toHaveLength(1);
  expect(compareHours({ ...given, expected, rest: 0, found: mapOf([1, 10]), from: 1 }).findings).toEqual([]);
});
