import { cutTopicId } from '@millrace/core/record/origin.ts';
import { compareHours } from '../compareHours.ts';
import { type CountedHours, countedOf } from '../counted.ts';
import type { Evidence, LedgerRow, PartitionEvidence } from '../evidence.ts';
import { type Check, checkOf, type Finding } from '../result.ts';
import { numbers, sinkTally, sum, sumOf } from './sums.ts';

/** Rows that the processor made, against what the sink did with them and what is on its way. */
export function sink({ partitions, rawId }: Evidence): Check {
  const findings: Finding[] = [];
  const notes: string[] = [];
  let rows = 0;
  for (const one of partitions) {
    const { partition, ledger, progress } = one;
    const ahead = aheadOfCommit(one, rawId);
    if (ahead !== null) {
      findings.push(ahead);
      continue;
    }
    const taken = sinkTally(ledger, ({ stored, refused, merged }) => stored + refused + merged);
    const lostRows = sum(ledger, (row) => row.lost);
    for (const of of countedOf(one)) {
      const { topicId, current } = of;
      const expected = withReset(numbers(of, 'rows'), ledger, topicId);
      const rest = { rows: of.rest.rows + resetBeyondHours(ledger, topicId) };
      rows += sumOf(expected) + rest.rows;
      const found = new Map(taken.get(topicId));
      if (isForeign(of, ledger)) continue;
      for (const [hour, by] of one.inFlight?.get(topicId) ?? []) found.set(hour, (found.get(hour) ?? 0) + by);
      const at = { partition, topicId, hour: null };
      if (topicId === '') {
        const text = 'rows stored before the ledger knew topic ids, of several raw topics: they cannot be told apart';
        findings.push({ state: 'unknown', ...at, expected: null, found: sumOf(found), text });
      } else if (one.inFlight === null || lostRows > 0) {
        const want = sumOf(expected) + rest.rows;
        const have = sumOf(found);
        const slack = (one.inFlight === null ? one.unread : 0) + lostRows;
        const text = 'rows stored, refused, merged or on their way, of those made';
        if (want > have + slack || (want < have && current))
          findings.push({ state: 'different', ...at, expected: want, found: have, text });
        else if (lostRows === 0)
          notes.push(`partition ${partition}: ${one.unread} records on their way were not looked at one by one`);
      } else {
        const what = 'rows stored, refused, merged or on their way, of those made';
        const { findings: hours, surplus } = compareHours({
          partition,
          topicId,
          expected,
          rest: rest.rows,
          found,
          gone: !current,
          what,
        });
        findings.push(...hours);
        if (surplus > 0 && !current) notes.push(goneNote(partition, topicId, surplus, 'rows'));
      }
    }
    if (progress === null && one.raw !== null && one.raw.end > one.raw.start && one.stored.size > 0)
      notes.push(`partition ${partition}: the processor has committed nothing of the raw topic that is there now`);
  }
  return checkOf('sink', `each of ${rows} rows made is stored, refused, merged or on its way`, findings, notes);
}

/** What is expected of each hour with what a reprocessing made more or less of it. */
function withReset(expected: Map<number, number>, ledger: readonly LedgerRow[], topicId: string): Map<number, number> {
  for (const row of ledger)
    if (row.topicId === topicId && row.hour !== null && row.reset !== 0)
      expected.set(row.hour, (expected.get(row.hour) ?? 0) + row.reset);
  return expected;
}

/** Rows that a reprocessing took over as they were stand in no hour, and are expected as they are found. */
function resetBeyondHours(ledger: readonly LedgerRow[], topicId: string): number {
  return sum(ledger, (row) => (row.topicId === topicId && row.hour === null ? row.reset - row.stored : 0));
}

/** A partition whose processor stands before what is stored already. */
function aheadOfCommit({ partition, stored, progress, committed }: PartitionEvidence, rawId: string | null): Finding | null {
  if (rawId === null) return null;
  const topicId = progress === null ? rawId : cutTopicId(progress.topicId, progress.cuts.length);
  const last = stored.get(topicId);
  if (last === undefined || last.offset < (committed ?? 0)) return null;
  return {
    state: 'unknown',
    partition,
    topicId,
    hour: null,
    expected: last.offset + 1,
    found: committed,
    text: 'offset that the processor has committed, of those whose rows are stored: it reads them again, or ended between a send and its commit',
  };
}

function goneNote(partition: number, topicId: string, surplus: number, what: string): string {
  return `partition ${partition}: the raw topic ${topicId} is gone, and with it the proof of ${surplus} ${what}, which the processor counted after the last copy`;
}

/** Of records that came from no raw record: refused by the sink, known to no processor. */
function isForeign({ topicId, hours, rest }: CountedHours, ledger: readonly LedgerRow[]): boolean {
  const counted = sum([...hours.values(), rest], ({ raw }) => raw);
  return counted === 0 && topicId !== '' && sum(ledger, (row) => (row.topicId === topicId ? row.stored + row.merged : 0)) === 0;
}
