/** Any bytes, the whole way with a real Kafka and a real PostgreSQL: input = stored + refused + dropped, also of what COPY refuses. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FORMATS, fileOf, rawValue, SEED } from './anyBytes.ts';
import type { BadInput } from './badInput.ts';
import { type Run, runAll } from './run.ts';

console.log(`seed ${SEED} (give it again by SEED=${SEED})`);

const FILES = FORMATS.flatMap((format) =>
  fc.sample(fileOf(format), { seed: SEED, numRuns: 8 }).map((bytes): BadInput => {
    const fields = { id: { type: 'text' as const, required: true }, value: { type: 'text' as const } };
    return { fear: format, file: `a.${format}`, bytes, record: { fields }, table: { extra: true }, rows: [] };
  }),
);
const FOREIGN = fc
  .sample(fc.array(rawValue, { minLength: 20, maxLength: 60 }), { seed: SEED, numRuns: 4 })
  .map((foreign): BadInput => ({ fear: 'foreign', file: 'a.csv', bytes: 'at,id\n', foreign, table: { extra: true }, rows: [] }));

let run: Run | undefined;

beforeAll(async () => {
  run = await runAll([...FILES, ...FOREIGN], { timeoutMs: 500_000 });
}, 600_000);

afterAll(() => run?.stop());

test('every object ends once, and the dead-letter topic has its bytes', async () => {
  let [stored, lost] = [0, 0];
  for (const at of [...FILES, ...FOREIGN].keys()) {
    const { rows, refused, objects, raw, said } = await (run as Run).outcome(at);
    expect({ at, said, objects }).toEqual({ at, said, objects: rows.length + refused.length });
    expect(refused.filter(({ refusal }) => refusal.reason === 'internal' || refusal.reason === 'foreign')).toEqual([]);
    if (objects === raw)
      for (const { refusal, bytes, raw: whole } of refused) if (refusal.stage !== 'store') expect(bytes).toEqual(whole);
    stored += rows.length;
    lost += refused.length;
  }
  console.log(`${stored} stored + ${lost} refused`);
  expect(Math.min(stored, lost)).toBeGreaterThan(0);
});
