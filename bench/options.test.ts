import { expect, test } from 'vitest';
import { readOptions } from './options.ts';
import { SIZES } from './sizes.ts';

const NAMES = ['writer', 'sink', 'latency'];

test('without a word everything is measured in the usual size, and nothing is fetched', () => {
  expect(readOptions({}, NAMES)).toEqual({ only: NAMES, size: SIZES.usual, peers: false, reference: false });
});

test('what is asked for runs in the order of the table, in the size asked for', () => {
  const { only, size, peers } = readOptions({ ONLY: 'latency, writer', ROWS: '5000', FULL: '1', PEERS: '1' }, NAMES);
  expect(only).toEqual(['writer', 'latency']);
  const { growth } = SIZES.full;
  expect(size).toEqual({ ...SIZES.full, rows: 5_000, growthRows: 5_000, growth: { ...growth, rows: [] } });
  expect(peers).toBe(true);
});

test('a misspelt measurement is an error, not a run without it', () => {
  expect(() => readOptions({ ONLY: 'writer,latencies' }, NAMES)).toThrow(
    'ONLY names "latencies"; allowed are writer, sink, latency',
  );
});

test.each(['many', '-1', '10', '1e400'])('ROWS=%s is refused', (ROWS) => {
  expect(() => readOptions({ ROWS }, NAMES)).toThrow(`ROWS is "${ROWS}"`);
});

test('make passes variables that were not given as empty ones', () => {
  expect(readOptions({ ONLY: '', ROWS: '', FULL: '', PEERS: '0' }, NAMES)).toEqual(readOptions({}, NAMES));
});
