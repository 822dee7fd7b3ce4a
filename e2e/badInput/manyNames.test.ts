/**
 * A record of a million members, the whole way. One of so many different names would take a role's memory, and keep it from
 * its heartbeats until it loses the partition, again and again: it is refused before it is parsed. As many members of few names are no trouble, and are stored.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AT, type BadInput, json, lines, row } from './badInput.ts';
import { byJsonb } from './inputs/sizes.ts';
import { type Run, runAll } from './run.ts';

const MILLION = 1_000_000;
const ALLOWED = 131_072;
/** Bytes: a record of a million members has 13 million. */
const MAX_BYTES = 16_777_216;
/** Resident, MiB, of each role: what it takes at any backlog, and eight times the largest record (docs/performance.md). */
const LIMIT_MIB = 250 + (8 * MAX_BYTES) / 1_048_576;

const keys = (count: number): string[] => Array.from({ length: count }, (_, n) => `k${n}`);
const members = (count: number): string =>
  keys(count)
    .map((key) => `"${key}":1`)
    .join(',');
const REFUSED = `more than ${ALLOWED} different names; allowed are at most ${ALLOWED} different names in one record`;
const MANY = json(`"id":"many",${members(MILLION)}`);
/** With at and id as many as are allowed. */
const FULL = json(`"id":"full",${members(ALLOWED - 2)}`);
const FEW_NAMES = json(`"id":"few","all":[${Array.from({ length: 4_000 }, () => `{${members(50)}}`).join(',')}]`);
const FIELDS = { id: { type: 'text' as const, required: true } };

const INPUTS: readonly BadInput[] = [
  {
    fear: 'a record of a million different members, kept',
    file: 'a.ndjson',
    bytes: lines(json('"id":"a"'), MANY, json('"id":"b"'), FULL, MANY, json('"id":"c"')),
    record: { fields: FIELDS, maxBytes: MAX_BYTES },
    table: { extra: true },
    rows: [
      ...['a', 'b', 'c'].map((id) => row(id, '∅')),
      row(
        'full',
        `{${keys(ALLOWED - 2)
          .sort(byJsonb)
          .map((key) => `"${key}": 1`)
          .join(', ')}}`,
      ),
    ],
    refused: [
      ['parse', `${MILLION + 2} members of ${REFUSED}`, MANY],
      ['parse', `${MILLION + 2} members of ${REFUSED}`, MANY],
    ],
  },
  {
    fear: 'json: a record of a million different members, counted only',
    file: 'a.json',
    bytes: `[${json('"id":"a"')},${MANY},${FULL},${json('"id":"b"')}]`,
    record: { fields: FIELDS, maxBytes: MAX_BYTES },
    rows: ['a', 'b', 'full'].map((id) => row(id)),
    refused: [['parse', `${MILLION + 2} members of ${REFUSED}`]],
  },
  {
    fear: 'a record of 200,000 members of 50 names',
    file: 'a.ndjson',
    bytes: lines(FEW_NAMES),
    record: { fields: FIELDS, maxBytes: MAX_BYTES },
    rows: [row('few')],
  },
  {
    fear: 'csv: a million columns',
    file: 'a.csv',
    bytes: `at,id,${keys(MILLION).join(',')}\n${AT},a${',1'.repeat(MILLION)}\n`,
    record: { fields: FIELDS, maxBytes: MAX_BYTES },
    rows: [],
    stops: `names ${MILLION + 2} columns; allowed are at most ${ALLOWED} in one record`,
  },
];

let run: Run | undefined;

beforeAll(async () => {
  run = await runAll(INPUTS, { timeoutMs: 200_000 });
}, 300_000);

afterAll(() => run?.stop());

test.each(INPUTS.map((input, at): [string, BadInput, number] => [input.fear, input, at]))('%s', async (_fear, input, at) => {
  const { rows, refused, said, raw } = await (run as Run).outcome(at);
  const expected = input.refused ?? [];
  expect(raw).toBe(rows.length + refused.length);
  expect(rows.length).toBe(input.rows.length);
  expect(rows.join('\n') === [...input.rows].sort().join('\n'), 'a row differs').toBe(true); // too long to be shown
  expect(refused.map(({ refusal: { reason, message } }) => [reason, message])).toEqual(
    expected.map(([reason, message]) => [reason, expect.stringContaining(message)]),
  );
  for (const [n, { bytes, raw: whole }] of refused.entries()) {
    expect(bytes?.equals(whole as Buffer)).toBe(true);
    if (expected[n]?.[2] !== undefined) expect(bytes?.equals(Buffer.from(expected[n][2]))).toBe(true);
  }
  if (input.stops === undefined) expect(said).toBe(`completed: ${raw} records`);
  else expect(said).toContain(input.stops);
});

test.each(['producer', 'processor', 'sink'] as const)('the memory of the %s is bounded', (role) => {
  const peak = (run as Run).peakMiB(role);
  console.log(`${role}: at most ${Math.round(peak)} MiB resident`);
  expect(peak).toBeLessThan(LIMIT_MIB);
});
