import { freshProgress } from '@millrace/core/record/progress.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Sample } from './sample.ts';
import { totalsOf, unaccounted, unfinished } from './totals.ts';

const topic = (name: string, ...ends: number[]) => ({
  name,
  id: `id-of-${name}`,
  bounds: ends.map((end) => ({ start: 0, end })),
});

/** Ten records in two partitions: eight rows, of which the database refused one; one refused, one dropped. */
function settledSample(): Sample {
  return {
    pipeline: 'default/traffic',
    table: 'default.traffic_events',
    checkpoint: null,
    raw: topic('raw', 6, 4),
    processed: topic('processed', 5, 3),
    dlq: topic('dlq', 2, 0),
    processor: new Map([
      [0, { next: 6, progress: { ...freshProgress('t', 'processed'), raw: 6, rows: 5, refused: 1 } }],
      [1, { next: 4, progress: { ...freshProgress('t', 'processed'), raw: 4, rows: 3, dropped: 1 } }],
    ]),
    sink: {
      next: new Map([
        [0, 5],
        [1, 3],
      ]),
      stored: 7,
      refused: 1,
      repeats: 0,
      merged: 0,
      lost: 0,
      touched: 0,
    },
  };
}

test('the books of a settled Pipeline add up', () => {
  const totals = totalsOf(settledSample());
  expect(totals).toEqual({ read: 10, stored: 7, refused: 2, dropped: 1, repeats: 0, merged: 0, lost: 0, lagMessages: 0 });
  expect(unaccounted(totals)).toBe(0);
  expect(unfinished(settledSample())).toBeNull();
});

describe('nothing is called finished while a record is on its way', () => {
  const cases: [string, (sample: Sample) => void, RegExp][] = [
    ['a raw record that came after', ({ raw }) => raw.bounds.splice(1, 1, { start: 0, end: 5 }), /processor has 1 record/],
    ['a processed record that is not stored', ({ sink }) => sink?.next.set(0, 4), /sink has 1 record/],
    ['a partition that the processor never committed', ({ processor }) => processor.delete(1), /processor has 4 records/],
    ['a partition that the sink never stored', ({ sink }) => sink?.next.delete(1), /sink has 3 records/],
    ['a roll-up that is behind', (sample) => sample.sink && Object.assign(sample.sink, { touched: 2 }), /2 buckets/],
    [
      'a topic of newest rows that is behind',
      (sample) => Object.assign(sample, { latest: { ...topic('latest', 5, 3), unsent: 2 } }),
      /topic latest lacks 2 newest rows/,
    ],
    ['a table that is not set up', (sample) => Object.assign(sample, { sink: null }), /not set up/],
    ['a topic that is gone', (sample) => Object.assign(sample.raw, { id: null, bounds: [] }), /raw is not there/],
  ];
  test.each(cases)('%s', (_, change, expected) => {
    const sample = settledSample();
    change(sample);
    expect(unfinished(sample)).toMatch(expected);
  });
});

test('a lost row shows as a difference', () => {
  const sample = settledSample();
  Object.assign(sample.sink ?? {}, { stored: 6 });
  expect(unaccounted(totalsOf(sample))).toBe(1);
});

test('a row that was merged is accounted for, a processed record that came again was already', () => {
  const sample = settledSample();
  Object.assign(sample.sink ?? {}, { stored: 4, merged: 3, repeats: 5 });
  expect(unaccounted(totalsOf(sample))).toBe(0);
});

test('records that retention removed before they were read are not lag', () => {
  const sample = settledSample();
  sample.raw.bounds[0] = { start: 8, end: 9 };
  expect(totalsOf(sample).lagMessages).toBe(1);
});

test('lag is never negative and read covers what is in flight', () => {
  const bound = fc.tuple(fc.nat(50), fc.nat(50)).map(([start, more]) => ({ start, end: start + more }));
  fc.assert(
    fc.property(bound, bound, fc.nat(120), fc.nat(120), (raw, processed, next, stored) => {
      const sample = settledSample();
      Object.assign(sample.raw, { bounds: [raw] });
      Object.assign(sample.processed, { bounds: [processed] });
      sample.processor = new Map([[0, { next, progress: { ...freshProgress('t', 'processed'), raw: next, rows: next } }]]);
      sample.sink?.next.set(0, stored);
      const totals = totalsOf(sample);
      expect(totals.lagMessages).toBeGreaterThanOrEqual(0);
      expect(totals.read).toBeGreaterThanOrEqual(next);
      expect(unfinished(sample) === null).toBe(totals.lagMessages === 0);
    }),
  );
});
