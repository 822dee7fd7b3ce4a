import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 50;

/**
 * Resolves when a condition holds; one that throws (the database is away) does not hold yet.
 * @throws Error saying what was waited for in vain, and how looking failed last
 */
export async function until(
  what: string,
  withinMs: number,
  holds: () => boolean | Promise<boolean>,
  everyMs: number = LOOK_EVERY_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      if (await holds()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`not within ${withinMs / 1000} s: ${what}${last ? ` (${String(last)})` : ''}`, { cause: last });
    await delay(everyMs);
  }
}
