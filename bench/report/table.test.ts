import { expect, test } from 'vitest';
import { isMet, type Outcome } from './outcome.ts';
import { shownNumber, tableLines, verdict } from './table.ts';

const outcome = (...figures: Outcome['figures']): Outcome => ({ figures, notes: [], plots: [] });

test('a figure at its least value meets the bound, one at its limit does not', () => {
  expect(isMet({ value: 0.75, bound: { least: 0.75 } })).toBe(true);
  expect(isMet({ value: 0.749, bound: { least: 0.75 } })).toBe(false);
  expect(isMet({ value: 249.9, bound: { below: 250 } })).toBe(true);
  expect(isMet({ value: 250, bound: { below: 250 } })).toBe(false);
  expect(isMet({ value: 1 })).toBe(null);
});

test('a bound that was just missed is never shown as if it were met', () => {
  expect(isMet({ value: Number.NaN, bound: { below: 1 } })).toBe(false);
  expect(tableLines({ a: outcome({ name: 'n', value: Number.NaN, unit: 's', bound: { least: 0 } }) }).join()).toContain('NO');
});

test('the table has the value beside what is required', () => {
  const outcomes = {
    writer: outcome(
      { name: 'psql COPY', value: 101_234.4, unit: 'rows/s' },
      { name: 'writer / COPY', value: 0.8123, unit: '×', bound: { least: 0.75 } },
    ),
    idle: outcome({ name: 'sink', value: 1.25, unit: '%', bound: { below: 1 } }),
  };
  expect(tableLines(outcomes)).toEqual([
    'figure             value          required       met',
    '',
    'writer',
    '  psql COPY      101,234  rows/s',
    '  writer / COPY    0.812  ×       at least 0.75  yes',
    '',
    'idle',
    '  sink              1.25  %       below 1        NO',
  ]);
  expect(verdict(outcomes)).toBe('1 of 2 required figures met');
});

test.each([
  [0, '0'],
  [0.012345, '0.0123'],
  [12.345, '12.3'],
  [99.96, '100'],
  [1_234_567.8, '1,234,568'],
])('%d is shown as %s', (value, text) => {
  expect(shownNumber(value)).toBe(text);
});
