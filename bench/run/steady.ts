/**
 * Rates from what was seen of a piece of work. Pure.
 *
 * Both rates are of the steady part: from the first look at which a quarter of the rows was done to the first at which all
 * were. The start of a process, its joining of a group and the compiling of its code do not depend on the number of rows, and
 * are left out, for Millrace's roles as for their peers (a Java virtual machine takes longest to warm up).
 */

const WARM_SHARE = 0.25;

export interface Look {
  atMs: number;
  /** Done by then. */
  rows: number;
  /** Of the process so far. */
  cpuSeconds: number;
  residentMebibytes: number;
}

/** @throws Error where nothing was done, or all of it before the first look */
export function rowsPerSecond(looks: readonly Look[]): number {
  const [from, to] = steady(looks);
  return ((to.rows - from.rows) * 1000) / (to.atMs - from.atMs);
}

/** @throws as rowsPerSecond */
export function cpuSecondsPerMillion(looks: readonly Look[]): number {
  const [from, to] = steady(looks);
  return ((to.cpuSeconds - from.cpuSeconds) * 1e6) / (to.rows - from.rows);
}

function steady(looks: readonly Look[]): [from: Look, to: Look] {
  const total = looks.at(-1)?.rows ?? 0;
  const first = looks.find(({ rows }) => rows > 0 && rows >= total * WARM_SHARE);
  const last = looks.find(({ rows }) => rows === total);
  if (first === undefined || last === undefined) throw new Error('no row was done');
  if (first.rows < total) return [first, last];
  // All of it between two looks: since the look before, at the most.
  const before = looks.findLast(({ rows }) => rows === 0);
  if (before === undefined) throw new Error(`all ${total} rows were done at the first look: too few to tell a rate`);
  return [before, first];
}

/** One look per so many ms, and the last one: enough for a plot. */
export function thinned(looks: readonly Look[], everyMs: number): Look[] {
  let nextMs = Number.NEGATIVE_INFINITY;
  return looks.filter((look, index) => {
    if (look.atMs < nextMs && index < looks.length - 1) return false;
    nextMs = look.atMs + everyMs;
    return true;
  });
}
