import type { Evidence } from '../evidence.ts';
import { type Check, checkOf, type Finding } from '../result.ts';
import { sum } from './sums.ts';

/** Rows of the table against those counted as stored. */
export function table({ table: { rows, expired, dropsChunks }, partitions, name }: Evidence): Check {
  const stored = sum(partitions, ({ ledger }) => sum(ledger, (row) => row.stored));
  const expected = stored - expired;
  const notes = expired === 0 ? [] : [`${expired} rows were deleted by retention`];
  const at = { partition: null, topicId: null, hour: null, expected, found: rows };
  if (dropsChunks && rows < expected) {
    const text = `rows in ${name}: TimescaleDB drops its old chunks without counting them, so that fewer than were stored prove nothing`;
    return checkOf('table', `${rows} rows in ${name}`, [{ state: 'unknown', ...at, text }], notes);
  }
  const text = `rows in ${name}, of those stored`;
  const findings: Finding[] = rows === expected ? [] : [{ state: 'different', ...at, text }];
  return checkOf('table', `${stored} rows stored, ${rows} in ${name}`, findings, notes);
}
