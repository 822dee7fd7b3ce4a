/**
 * Bad input, the whole way: file, raw topic, processed or dead-letter topic, table. A Pipeline for each fear, all in one
 * process per role, which shows that no bad feed stops another one. A new fear is one entry in `inputs/`.
 */
import { namesOf } from '@millrace/core/spec/names.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BadInput } from './badInput.ts';
import { FILES } from './inputs/files.ts';
import { NUMBERS } from './inputs/numbers.ts';
import { SIZES } from './inputs/sizes.ts';
import { TEXTS } from './inputs/texts.ts';
import { TIMES } from './inputs/times.ts';
import { type Outcome, type Run, runAll } from './run.ts';

const INPUTS = [...FILES, ...NUMBERS, ...TIMES, ...TEXTS, ...SIZES];

/** What docs/performance.md says of each role. */
const LIMIT_MIB = 250;

let run: Run | undefined;
const outcomes: Outcome[] = [];

beforeAll(async () => {
  run = await runAll(INPUTS, { timeoutMs: 500_000 });
  for (const at of INPUTS.keys()) outcomes.push(await run.outcome(at));
}, 600_000);

afterAll(() => run?.stop());

const outcomeOf = (at: number): Outcome => outcomes[at] as Outcome;

describe('every record is stored, or refused with its reason, and its neighbours are stored', () => {
  test.each(INPUTS.map((input, at): [string, BadInput, number] => [input.fear, input, at]))('%s', (_fear, input, at) => {
    const { rows, refused, said, raw } = outcomeOf(at);
    expect(rows).toEqual([...input.rows].sort());
    const expected = input.refused ?? [];
    expect(refused.map(({ refusal: { reason, message } }) => [reason, message])).toEqual(
      expected.map(([reason, message]) => [reason, expect.stringContaining(message)]),
    );
    for (const [n, [, , bytes]] of expected.entries()) {
      if (bytes !== undefined) expect(refused[n]?.bytes).toEqual(Buffer.from(bytes));
    }
    expect(raw).toBe(rows.length + refused.length);
    if (input.stops === undefined) expect(said).toBe(`completed: ${raw} records`);
    else expect(said).toContain(input.stops);
  });
});

test('the dead-letter topic holds the bytes as they stand in the raw topic', () => {
  for (const { refused } of outcomes) {
    for (const { refusal, bytes, raw } of refused) if (refusal.stage !== 'store') expect(bytes).toEqual(raw);
  }
});

test('nothing is a mistake of our own, and no worker failed but the producers that had to stop', () => {
  const { logged } = run as Run;
  expect(outcomes.flatMap(({ refused }) => refused).filter(({ refusal }) => refusal.reason === 'internal')).toEqual([]);
  for (const role of ['processor', 'sink'] as const)
    expect(logged(role)).not.toMatch(/the worker failed|"level":"(error|fatal)"/);
  const stopped = INPUTS.flatMap(({ stops }, at) =>
    stops === undefined ? [] : [namesOf(outcomeOf(at).loaded.pipeline).pipeline],
  );
  const failed = logged('producer').matchAll(/^.*the worker failed.*$/gm);
  expect(new Set([...failed].map(([line]) => JSON.parse(line).pipeline))).toEqual(new Set(stopped));
});

test.each(['producer', 'processor', 'sink'] as const)('the memory of the %s is bounded', (role) => {
  const peak = (run as Run).peakMiB(role);
  console.log(`${role}: at most ${Math.round(peak)} MiB resident`);
  expect(peak).toBeLessThan(LIMIT_MIB);
});
