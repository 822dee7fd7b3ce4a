/** Each record of the simulated feed is stored or refused once, with all its values, and everything that counts agrees. */
import { fullAudit } from '@millrace/audit/full/full.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { expect } from 'vitest';
import { firstDifference, refusedOrdinals } from './observe.ts';
import type { Platform } from './platform.ts';
import { expectedOf, latestDifferenceSql, type ProofFeed, rollupDifferenceSql, rowsSql } from './proofFeed.ts';

/** Of a Pipeline without a namespace. */
const SCHEMA = 'default';

/** Table, dead-letter topic, ledger, roll-up and newest rows hold each simulated record once, with all its values; the audit agrees, in counts and in full. */
export async function expectEachRowOnce({ loaded, kafka, database }: Platform, { records, badEvery }: ProofFeed): Promise<void> {
  const { good, bad } = expectedOf(loaded.pipeline, records);
  expect(bad.length).toBe(records / badEvery);
  const { rows } = await database.query<{ row: string }>(rowsSql(SCHEMA));
  const stored = rows.map(({ row }) => row).sort();
  expect(stored.length).toBe(good.length);
  expect(firstDifference(stored, good)).toBe(null);
  expect(await refusedOrdinals(kafka, namesOf(loaded.pipeline))).toEqual(bad.map(({ ordinal }) => ordinal));

  const one = async (sql: string): Promise<number> => Number((await database.query<{ n: string }>(sql)).rows[0]?.n);
  const rowsOf = (sql: string): Promise<number> => one(`select count(*)::text as n from (${sql}) as different`);
  expect(await one('select sum(stored)::text as n from millrace.ledger')).toBe(good.length);
  await expect.poll(() => one('select count(*)::text as n from millrace.touched'), { timeout: 30_000 }).toBe(0);
  expect(await rowsOf(rollupDifferenceSql(SCHEMA)), 'roll-up and rows differ').toBe(0);
  expect(await rowsOf(latestDifferenceSql(SCHEMA)), 'latest and rows differ').toBe(0);
  const { state, checks } = await fullAudit(loaded.pipeline, { kafka, database });
  expect(
    checks.flatMap(({ findings }) => findings),
    'what the audit found',
  ).toEqual([]);
  expect(state).toBe('equal');
}
