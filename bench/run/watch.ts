/** Follows a piece of work from outside: how many rows are done at which time, and what its process takes meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredProcess } from './roleProcess.ts';
import type { Look } from './steady.ts';

/** Between two looks, and at the least this many times what a look takes: it must not weigh on what it measures. */
const LOOK_MS = 50;
const REST_FACTOR = 10;
/** Without any progress for this long, the work is stuck. */
const STUCK_MS = 120_000;

/**
 * Looks until `rows` are done.
 * @param done rows that are done with, asked from the servers
 * @throws Error when the process ends, when nothing moves for two minutes, and when more is done than there is
 */
export async function watch(process: Pick<MeasuredProcess, 'usage'>, rows: number, done: () => Promise<number>): Promise<Look[]> {
  const startedMs = performance.now();
  const looks: Look[] = [];
  let movedMs = startedMs;
  for (;;) {
    const askedMs = performance.now();
    const count = await done();
    const nowMs = performance.now();
    const { cpuSeconds, residentMebibytes } = process.usage();
    if (count !== (looks.at(-1)?.rows ?? 0)) movedMs = nowMs;
    looks.push({ atMs: nowMs - startedMs, rows: count, cpuSeconds, residentMebibytes });
    if (count > rows) throw new Error(`${count} rows are done of ${rows}: something was done twice, or is not this run's`);
    if (count === rows) return looks;
    if (nowMs - movedMs > STUCK_MS) throw new Error(`${count} of ${rows} rows are done, and no other for ${STUCK_MS / 1000} s`);
    await sleep(Math.max(LOOK_MS, REST_FACTOR * (nowMs - askedMs)));
  }
}
