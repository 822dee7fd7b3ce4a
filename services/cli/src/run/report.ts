/** The last word of `run --once`: whether the books add up, and what the tables hold; pure. */
import type { BoolCount } from '../status/collect.ts';
import { imbalance } from '../status/report.ts';
import type { Sample } from '../status/sample.ts';
import { type Totals, totalsOf, unaccounted } from '../status/totals.ts';
import { count, many } from '../text.ts';
import { shortName } from './view.ts';

export interface OnceReport {
  pipeline: string;
  totals: Totals;
  /** read - (stored + refused + dropped + repeats + merged): 0 when every record is accounted for. */
  unaccounted: number;
  /** Why the books are wrong; null when they are right. */
  problem: string | null;
  /** true, false and null counts of the table's boolean columns. */
  booleans: BoolCount[];
}

export function onceReport(sample: Sample, booleans: BoolCount[]): OnceReport {
  const totals = totalsOf(sample);
  const open = unaccounted(totals);
  return { pipeline: sample.pipeline, totals, unaccounted: open, problem: problemOf(sample, totals, open), booleans };
}

function problemOf({ checkpoint }: Sample, totals: Totals, open: number): string | null {
  if (totals.lagMessages > 0) return `${many(totals.lagMessages, 'message')} not taken`;
  if (open !== 0) return imbalance(open);
  // What the producer counted and what arrived, beside what it sent again.
  const arrived = totals.read - totals.repeats;
  if (checkpoint && checkpoint.ordinal > arrived)
    return `the producer sent ${count(checkpoint.ordinal)} records and ${count(arrived)} are in the raw topic`;
  return null;
}

/** Lines for people. */
export function reportLines({ pipeline, totals, problem, booleans }: OnceReport): string[] {
  const { read, stored, refused, dropped, repeats, merged } = totals;
  const rare = Object.entries({ repeats, merged }).map(([name, records]) =>
    records === 0 ? '' : ` + ${count(records)} ${name}`,
  );
  const sum = `${count(read)} read = ${count(stored)} stored + ${count(refused)} refused + ${count(dropped)} dropped${rare.join('')}`;
  const name = shortName(pipeline);
  const first =
    problem === null
      ? `${count(read)} ${name} records accounted for: ${sum}`
      : `${name} records NOT accounted for: ${problem} (${sum.replace('=', 'against')})`;
  return [
    first,
    ...booleans.map((column) => {
      const none = column.null === 0 ? '' : `, ${count(column.null)} without a value`;
      return `  ${column.column}: ${count(column.true)} true, ${count(column.false)} false${none}`;
    }),
  ];
}
