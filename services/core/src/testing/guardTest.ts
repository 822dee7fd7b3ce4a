/**
 * A scenario that is run twice: with all guards, where it must come out right, and with each of its guards taken out, where it
 * must go wrong in the way that the guard prevents. `docs/guards.test.ts` finds the guards of a file by `without`.
 */
import { describe, expect, type TestContext, test } from 'vitest';
import { type Guard, TEST_WITHOUT } from '../guards.ts';

export interface GuardTest<Outcome> {
  /** Does what is feared, and says how it came out. `label` is another one for each run: for names of topics and tables. */
  scenario(label: string): Promise<Outcome>;
  right: Outcome;
  /** By guard: the outcome without it; may hold asymmetric matchers. */
  without: Partial<Record<Guard, unknown>>;
  /** What this machine lacks for it: then it is skipped, and says so. Default: nothing. */
  lacks?(): string | null;
}

export function guardTest<Outcome>(fear: string, { scenario, right, without, lacks }: GuardTest<Outcome>): void {
  const skipWhereLacking = ({ skip }: TestContext): void => {
    const what = lacks?.() ?? null;
    if (what !== null) skip(`needs ${what}`);
  };
  describe(fear, () => {
    test('with all guards it comes out right', async (context) => {
      skipWhereLacking(context);
      expect(await scenario('guarded')).toEqual(right);
    });
    for (const [guard, wrong] of Object.entries(without))
      test(`without the guard ${guard} it goes wrong`, async (context) => {
        skipWhereLacking(context);
        const outcome = await withoutGuard(guard as Guard, () => scenario(`without-${guard}`));
        expect(outcome).not.toEqual(right);
        expect(outcome).toEqual(wrong);
      });
  });
}

/** Runs with a guard taken out of this process. */
async function withoutGuard<T>(guard: Guard, run: () => Promise<T>): Promise<T> {
  process.env[TEST_WITHOUT] = guard;
  try {
    return await run();
  } finally {
    delete process.env[TEST_WITHOUT];
  }
}
