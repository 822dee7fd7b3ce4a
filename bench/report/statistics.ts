/** Arithmetic of measured numbers. Pure; every function throws RangeError where nothing was measured. */

/**
 * The q-quantile by the nearest rank (the smallest value that at least q of all are no larger than), as service level
 * objectives mean it: a value that really occurred, never one between two.
 * @param q above 0, at most 1
 */
export function quantile(values: readonly number[], q: number): number {
  if (!(q > 0 && q <= 1)) throw new RangeError(`a quantile of ${q}; allowed is a number above 0 and at most 1`);
  const sorted = [...values].sort((a, b) => a - b);
  return at(sorted, Math.ceil(q * sorted.length) - 1);
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(sorted, upper) : (at(sorted, upper - 1) + at(sorted, upper)) / 2;
}

/**
 * The median of the ratios round by round: what slows a whole round down (another load on the machine) is in both sides of
 * its ratio.
 */
export function medianRatio(of: readonly number[], to: readonly number[]): number {
  if (of.length !== to.length) throw new RangeError(`${of.length} values against ${to.length}; allowed is one of each per round`);
  return median(of.map((value, round) => value / at(to, round)));
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError('no values');
  return value;
}
