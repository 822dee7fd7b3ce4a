/**
 * Numbers that stand for "no value": shaped like one (-999, 9999, -200 …), at the end of what the column holds, far from all
 * else. Where it is far enough in one column of a file, its mere presence at the end tells in the others.
 */

export interface Sentinel {
  value: number;
  count: number;
  reason: string;
}

const SHAPE = /^(?:-(?:9{2,6}|[1-9]00|[1-9]000|[67]999)|9{3,6}|[67]999)(?:\.(?:0+|9+))?$/;
const LIMITS = new Set([-32_768, 32_767, 65_535, -2_147_483_648, 2_147_483_647, 4_294_967_295]);

export function isSentinelShape(value: number): boolean {
  return SHAPE.test(String(value)) || LIMITS.has(value);
}

/**
 * Sentinels of a numeric column: at most one at each end.
 * @param elsewhere values that are sentinels in other columns of the file
 */
export function guessSentinels(numbers: ReadonlyMap<number, number>, elsewhere: ReadonlySet<number>): Sentinel[] {
  const sorted = [...numbers.keys()].sort((a, b) => a - b);
  const [only] = sorted;
  if (only !== undefined && sorted.length === 1 && elsewhere.has(only))
    return [{ value: only, count: numbers.get(only) ?? 0, reason: 'as in other columns; nothing else stands in this one' }];
  return [sorted, [...sorted].reverse()].flatMap((values) => {
    const [value, next] = values;
    if (value === undefined || next === undefined || !isSentinelShape(value)) return [];
    const count = numbers.get(value) ?? 0;
    const last = values.findLast((other) => other !== value && !isSentinelShape(other)) ?? next;
    const [gap, spread] = [Math.abs(next - value), Math.abs(last - next)];
    const range = `${Math.min(next, last)} to ${Math.max(next, last)}`;
    const differs = value < 0 && Math.min(next, last) >= 0;
    if (gap > 2 * spread && gap > 50 && (count > 1 || /99/.test(String(value))))
      return [{ value, count, reason: `far from all else (${range})` }];
    if (count > 1 && differs && /99|00$/.test(String(value)) && gap > 50 && gap > spread / 2)
      return [{ value, count, reason: `below zero, all else is ${range}` }];
    return elsewhere.has(value) && (differs || gap > spread / 4)
      ? [{ value, count, reason: `as in other columns; all else is ${range}` }]
      : [];
  });
}
