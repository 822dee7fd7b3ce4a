/** Sums of what was counted, as several checks compare them. */
import type { Counted, CountedHours } from '../counted.ts';
import type { LedgerRow, Tally } from '../evidence.ts';

/** One counter by hour. */
export function numbers(of: CountedHours | undefined, what: keyof Counted): Map<number, number> {
  return new Map([...(of?.hours ?? [])].map(([hour, counted]) => [hour, counted[what]]));
}

/** What the sink has counted, by raw topic id and hour. */
export function sinkTally(ledger: readonly LedgerRow[], what: (row: LedgerRow) => number): Tally {
  const tally: Tally = new Map();
  for (const row of ledger) {
    if (row.hour === null || what(row) === 0) continue;
    const hours = tally.get(row.topicId) ?? new Map<number, number>();
    hours.set(row.hour, what(row));
    tally.set(row.topicId, hours);
  }
  return tally;
}

export function sumOf(hours: ReadonlyMap<number, number>): number {
  return sum([...hours.values()], (by) => by);
}

export function sum<T>(many: readonly T[], of: (one: T) => number): number {
  return many.reduce((all, one) => all + of(one), 0);
}
