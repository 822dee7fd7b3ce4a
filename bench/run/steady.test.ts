import { expect, test } from 'vitest';
import { cpuSecondsPerMillion, type Look, rowsPerSecond, thinned } from './steady.ts';

const seen = (...looks: [atMs: number, rows: number, cpuSeconds?: number][]): Look[] =>
  looks.map(([atMs, rows, cpuSeconds = 0]) => ({ atMs, rows, cpuSeconds, residentMebibytes: 1 }));

test('the start of a process does not count as slow rows, nor does its warming up', () => {
  expect(rowsPerSecond(seen([0, 0], [5_000, 0], [5_050, 300], [6_050, 1_200]))).toBe(900);
  expect(rowsPerSecond(seen([0, 0], [5_000, 100], [9_000, 400], [10_000, 1_600]))).toBe(1_200);
});

test('looks after the last row do not make it slower', () => {
  expect(rowsPerSecond(seen([0, 0], [1_000, 500], [2_000, 1_500], [9_000, 1_500]))).toBe(1_000);
});

test('rows that were all done between two looks give the least rate that this can have been', () => {
  expect(rowsPerSecond(seen([0, 0], [1_000, 0], [1_500, 300]))).toBe(600);
});

test('no rate is made up where nothing was seen', () => {
  expect(() => rowsPerSecond(seen([0, 0], [100, 0]))).toThrow('no row was done');
  expect(() => rowsPerSecond(seen([100, 5]))).toThrow('too few');
  expect(() => rowsPerSecond([])).toThrow('no row was done');
});

test('CPU time is of the rows, not of the start', () => {
  expect(cpuSecondsPerMillion(seen([0, 0, 0], [1_000, 50_000, 0.9], [2_000, 150_000, 2.9]))).toBeCloseTo(20);
});

test('a thinned series keeps its first and its last look', () => {
  const looks = seen([0, 0], [50, 1], [100, 2], [150, 3], [210, 4], [220, 5]);
  expect(thinned(looks, 100).map(({ atMs }) => atMs)).toEqual([0, 100, 210, 220]);
});
