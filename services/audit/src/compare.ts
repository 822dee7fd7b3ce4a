/**
 * Judges what a look at a Pipeline found (DESIGN 1.2 rule 8). Pure: a check is one file in `checks/` and one line in the table.
 *
 * Invariant: a row that is on its way is never called a difference. `collect.ts` says why each of these comparisons holds
 * while records flow; what does not hold then is called unknown.
 */
import { deadLetters } from './checks/deadLetters.ts';
import { lost } from './checks/lost.ts';
import { processor } from './checks/processor.ts';
import { rawLog } from './checks/rawLog.ts';
import { sink } from './checks/sink.ts';
import { sum } from './checks/sums.ts';
import { table } from './checks/table.ts';
import type { Evidence, PartitionEvidence } from './evidence.ts';
import type { Check } from './result.ts';

const CHECKS: readonly ((evidence: Evidence) => Check)[] = [rawLog, processor, deadLetters, sink, table, lost];

export function compare(evidence: Evidence): Check[] {
  return CHECKS.map((check) => check(evidence));
}

/** Raw records that the processor, and processed records that the sink has not taken. */
export function inFlight({ partitions }: Evidence): number {
  return sum(partitions, (partition) => unprocessed(partition) + partition.unread);
}

function unprocessed({ raw, committed }: PartitionEvidence): number {
  return raw === null ? 0 : Math.max(0, raw.end - Math.max(raw.start, committed ?? raw.start));
}
