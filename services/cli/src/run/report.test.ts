import { freshProgress } from '@millrace/core/record/progress.ts';
import { expect, test } from 'vitest';
import type { Sample } from '../status/sample.ts';
import { onceReport, reportLines } from './report.ts';

function sample(
  change: { stored?: number; raw?: number; ordinal?: number; end?: number; repeats?: number; merged?: number } = {},
): Sample {
  const { stored = 3, raw = 4, ordinal = 4, end = raw, repeats = 0, merged = 0 } = change;
  const topic = (name: string, last: number) => ({ name, id: name, bounds: [{ start: 0, end: last }] });
  return {
    pipeline: 'default/p',
    table: 'default.p',
    checkpoint: {
      v: 1,
      run: 'r',
      fingerprint: 'f',
      topicId: 'raw',
      partitions: 1,
      ordinal,
      loop: 0,
      file: 0,
      byte: 0,
      clockBaseMs: 0,
      completed: true,
    },
    raw: topic('raw', end),
    processed: topic('processed', 3),
    dlq: topic('dlq', 1),
    processor: new Map([
      [0, { next: raw, progress: { ...freshProgress('raw', 'processed'), raw, rows: 3, refused: 1, repeats } }],
    ]),
    sink: { next: new Map([[0, 3]]), stored, refused: 0, repeats: 0, merged, lost: 0, touched: 0 },
  };
}

const text = (change?: Parameters<typeof sample>[0]): string[] =>
  reportLines(onceReport(sample(change), [{ column: 'on', true: 2, false: 1, null: 0 }]));

test('books that add up', () => {
  expect(text()).toEqual(['4 p records accounted for: 4 read = 3 stored + 1 refused + 0 dropped', '  on: 2 true, 1 false']);
});

test('records that the producer sent again are named', () => {
  expect(text({ raw: 6, repeats: 2 })[0]).toBe(
    '6 p records accounted for: 6 read = 3 stored + 1 refused + 0 dropped + 2 repeats',
  );
});

test('rows that were merged are named', () => {
  expect(text({ stored: 1, merged: 2 })[0]).toBe(
    '4 p records accounted for: 4 read = 1 stored + 1 refused + 0 dropped + 2 merged',
  );
});

test.each<[string, Parameters<typeof sample>[0], RegExp]>([
  ['a row that is missing', { stored: 2 }, /NOT accounted for: 1 record is neither/],
  ['a row too many', { stored: 4 }, /NOT accounted for: 1 record more is/],
  ['a record that never arrived', { ordinal: 5 }, /NOT accounted for: the producer sent 5 records and 4 are in the raw topic/],
  ['a record that nobody took', { end: 5, ordinal: 5 }, /NOT accounted for: 1 message not taken/],
])('%s is told', (_, change, expected) => {
  expect(text(change)[0]).toMatch(expected);
  expect(onceReport(sample(change), []).problem).not.toBeNull();
});
