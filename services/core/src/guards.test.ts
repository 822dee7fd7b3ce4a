import pino from 'pino';
import { afterEach, expect, test } from 'vitest';
import { GUARDS, type Guard, guarded, guardsTakenOut, TEST_WITHOUT, tellGuardsTakenOut } from './guards.ts';

afterEach(() => {
  delete process.env[TEST_WITHOUT];
});

test('every guard holds unless a test takes it out', () => {
  for (const guard of Object.keys(GUARDS) as Guard[]) expect(guarded(guard)).toBe(true);
  process.env[TEST_WITHOUT] = 'bookmark,lost-gap';
  expect([guarded('bookmark'), guarded('lost-gap'), guarded('log-end')]).toEqual([false, false, true]);
});

test('no guard can be taken out of a Millrace that is not under test', () => {
  for (const NODE_ENV of ['production', 'development', undefined]) {
    const environment = { [TEST_WITHOUT]: 'bookmark', ...(NODE_ENV === undefined ? {} : { NODE_ENV }) };
    expect(() => guardsTakenOut(environment)).toThrow(/MILLRACE_TEST_WITHOUT is "bookmark".*only under NODE_ENV=test/);
    expect(guardsTakenOut({ ...environment, [TEST_WITHOUT]: '' })).toEqual([]);
  }
});

test('a misspelt guard is an error, not a guard that holds in silence', () => {
  expect(() => guardsTakenOut({ NODE_ENV: 'test', [TEST_WITHOUT]: 'bookmrk' })).toThrow(
    /"bookmrk"; allowed are fetched-topic-id/,
  );
});

test('a role says aloud that a guard is out', () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  tellGuardsTakenOut(log, { NODE_ENV: 'test', [TEST_WITHOUT]: 'bookmark' });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, guard: 'bookmark' }]);
  tellGuardsTakenOut(log, { NODE_ENV: 'test' });
  expect(lines).toHaveLength(1);
});
