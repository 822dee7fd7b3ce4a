/** Latencies from when rows were due and when they were committed. Pure. */

export interface LatencySample {
  /** By the simulator's clock, epoch ms. */
  dueMs: number;
  committedMs: number;
}

/**
 * How long each row took, in ms.
 * @param offsetMs how much later than the simulator's clock the schedule began
 * @param warmUpMs rows that were due in the first so many ms do not count
 * @throws Error for a row that was committed before it was due (the two clocks are one: the machine's), or where none counts
 */
export function latenciesMs(samples: readonly LatencySample[], offsetMs: number, warmUpMs: number): number[] {
  const firstMs = samples.reduce((least, { dueMs }) => Math.min(least, dueMs), Number.POSITIVE_INFINITY);
  const counted = samples.filter(({ dueMs }) => dueMs >= firstMs + warmUpMs);
  if (counted.length === 0) throw new Error(`none of ${samples.length} rows was due after ${warmUpMs} ms`);
  return counted.map(({ dueMs, committedMs }) => {
    const waitedMs = committedMs - (dueMs + offsetMs);
    // A due time is cut to whole milliseconds, and a timer may be a little early: the pacer sends up to 2 ms before.
    if (!(waitedMs > -5)) throw new Error(`a row due at ${dueMs + offsetMs} was committed at ${committedMs}: before it was sent`);
    return Math.max(0, waitedMs);
  });
}
