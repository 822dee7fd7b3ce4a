import { expect, test } from 'vitest';
import { refusedRecords } from './refused.ts';

const listed = (stage: string, value: string): string => JSON.stringify({ stage, record: { value } });
const nul = '{"at":"2026-01-01T00:00:11.998Z","device":"a","temperature":1,"note":"nul\\u0000"}';
const row = (note: string) => `{"time":"2026-01-01T00:00:11.998Z","device":"a","temperature":1,"note":"${note}"}`;

test('a refusal of the database is told as the record it came from, others as they are', () => {
  const lines = [listed('store', row('nul\\u0000')), listed('decode', '{"cut'), ''].join('\n');
  expect(refusedRecords(lines, [nul, '{"cut'])).toEqual([nul, '{"cut'].toSorted());
});

test('a row of the database that is of no bad record stays, and so differs', () => {
  expect(refusedRecords(listed('store', row('other')), [nul])).toEqual([row('other')]);
});
