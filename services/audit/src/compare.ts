/**
 * Judges what a look at a Pipeline found (DESIGN 1.2 rule 8). Pure: a check is one function and one line in the table.
 *
 * Invariant: a row that is on its way is never called a difference. `collect.ts` says why each of these comparisons holds
 * while records flow; what does not hold then is called unknown.
 */
import { epochHour } from '@millrace/core/record/hour.ts';
import { cutTopicId } from '@millrace/core/record/origin.ts';
import { skippedIn } from '@millrace/core/record/progress.ts';
import { compareHours } from './compareHours.ts';
import { type Counted, type CountedHours, countedOf, isoHour } from './counted.ts';
import type { Evidence, LedgerRow, PartitionEvidence, Tally } from './evidence.ts';
import { type Check, checkOf, type Finding } from './result.ts';

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

/** The raw log's own offsets against the records that the processor counted. */
function rawLog({ partitions, foreignRaw }: Evidence): Check {
  const findings: Finding[] = [];
  const notes: string[] = [];
  let records = 0;
  for (const one of partitions) {
    const { partition, progress, committed, raw, rawHours } = one;
    if (progress === null || raw === null || committed === null) continue;
    records += progress.records;
    const topicId = cutTopicId(progress.topicId, progress.cuts.length);
    const at = { partition, topicId, hour: null };
    if (committed > raw.end)
      findings.push({
        ...at,
        state: 'different',
        expected: committed,
        found: raw.end,
        text: 'end of the raw log, which the processor has read further than it is long now: records were cut off',
      });
    const since = progress.since ?? committed;
    if (since > raw.start && !foreignRaw)
      findings.push({
        ...at,
        state: 'different',
        expected: since - raw.start,
        found: 0,
        text: `records counted before offset ${since}, where the processor began: those before were never processed`,
      });
    if (rawHours === null)
      notes.push(
        `partition ${partition}: its records cannot be counted by hour, since the topic's times are not those of append`,
      );
    else {
      const { hours: expected, rest } = recordsByHour(one);
      const what = 'records in the raw log, of those that the processor counted';
      const from = wholeFrom(rawHours.from, progress.cuts);
      findings.push(...compareHours({ partition, topicId, expected, rest, found: rawHours.hours, from, what }).findings);
    }
    if (raw.start > 0) notes.push(`partition ${partition}: retention removed the raw records before offset ${raw.start}`);
  }
  return checkOf('raw log', `${records} records counted by the processor stand in the raw log, hour by hour`, findings, notes);
}

function recordsByHour(partition: PartitionEvidence): { hours: Map<number, number>; rest: number } {
  const hours = new Map<number, number>();
  let rest = 0;
  for (const of of countedOf(partition)) {
    if (of.topicId.split('~')[0] !== partition.progress?.topicId) continue;
    for (const [hour, { records }] of of.hours) hours.set(hour, (hours.get(hour) ?? 0) + records);
    rest += of.rest.records;
  }
  return { hours, rest };
}

/** The hour in which the log was cut last is not whole, nor are those before. */
function wholeFrom(from: number | null, cuts: readonly number[]): number | null {
  return cuts.length === 0 ? from : Math.max(from ?? Number.NEGATIVE_INFINITY, ...cuts.map((cutMs) => epochHour(cutMs) + 1));
}

/** raw = rows + refused + dropped + repeats, in every hour. */
function processor({ partitions }: Evidence): Check {
  const findings: Finding[] = [];
  let objects = 0;
  for (const one of partitions) {
    for (const { topicId, hours, rest } of countedOf(one)) {
      for (const [hour, counted] of [...hours, [null, rest] as const]) {
        objects += counted.raw;
        const ended = counted.rows + counted.refused + counted.dropped + counted.repeats;
        if (ended === counted.raw) continue;
        const text = 'ends of raw objects (rows, refused, dropped, repeats), of those read';
        const at = { partition: one.partition, topicId, hour: hour === null ? null : isoHour(hour) };
        findings.push({ state: 'different', ...at, expected: counted.raw, found: ended, text });
      }
    }
  }
  return checkOf('processor', `each of ${objects} raw objects ended as a row, refused, dropped or a repeat`, findings);
}

/** Refusals in the dead-letter topic, each identity once, against those counted. */
function deadLetters({ partitions }: Evidence): Check {
  const findings: Finding[] = [];
  const notes: string[] = [];
  let counted = 0;
  for (const one of partitions) {
    const { partition, ledger, refusals } = one;
    let beyond = 0;
    const hold = (
      topicId: string,
      expected: ReadonlyMap<number, number>,
      rest: number,
      by: 'processor' | 'store',
      what: string,
    ): void => {
      counted += sumOf(expected) + rest;
      const found = refusals[by].get(topicId) ?? new Map<number, number>();
      const from = refusals.wholeFrom;
      // A reprocessing refuses too, and a batch that was rolled back may have: more than were counted are no loss.
      const { findings: places, surplus } = compareHours({ partition, topicId, expected, rest, found, from, gone: true, what });
      findings.push(...places);
      beyond += surplus;
    };
    for (const of of countedOf(one))
      hold(
        of.topicId,
        numbers(of, 'refused'),
        of.rest.refused,
        'processor',
        'refusals of the processor in the dead-letter topic, of those counted',
      );
    for (const [topicId, expected] of sinkTally(ledger, ({ refused }) => refused))
      hold(topicId, expected, 0, 'store', 'refusals of the database in the dead-letter topic, of those counted');
    if (beyond > 0)
      notes.push(
        `partition ${partition}: ${beyond} refusals more than are counted, of a reprocessing or a transaction that was rolled back`,
      );
    if (refusals.wholeFrom !== null)
      notes.push(`partition ${partition}: retention removed refusals before ${isoHour(refusals.wholeFrom)}: not compared`);
    if (refusals.foreign > 0) notes.push(`partition ${partition}: ${refusals.foreign} records that are no refusals of Millrace`);
  }
  return checkOf('dead letters', `${counted} refusals counted stand in the dead-letter topic`, findings, notes);
}

/** Rows that the processor made, against what the sink did with them and what is on its way. */
function sink({ partitions, rawId }: Evidence): Check {
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

/** Rows of the table against those counted as stored. */
function table({ table: { rows, expired, dropsChunks }, partitions, name }: Evidence): Check {
  const stored = sum(partitions, ({ ledger }) => sum(ledger, (row) => row.stored));
  const expected = stored - expired;
  const notes = expired === 0 ? [] : [`${expired} rows were deleted by retention`];
  const at = { partition: null, topicId: null, hour: null, expected, found: rows };
  if (dropsChunks && rows < expected) {
    const text = `rows in ${name}: TimescaleDB drops its old chunks without counting them, so that fewer than were stored prove nothing`;
    return checkOf('table', `${rows} rows in ${name}`, [{ state: 'unknown', ...at, text }], notes);
  }
  const text = `rows in ${name}, of those stored`;
  const findings: Finding[] = rows === expected ? [] : [{ state: 'different', ...at, text }];
  return checkOf('table', `${stored} rows stored, ${rows} in ${name}`, findings, notes);
}

/** What was removed from a topic before it was read. */
function lost({ partitions, foreignRaw }: Evidence): Check {
  const findings: Finding[] = [];
  const notes: string[] = [];
  for (const { partition, progress, ledger } of partitions) {
    const skipped = progress === null ? 0 : skippedIn(progress);
    const at = { partition, topicId: progress?.topicId ?? null, expected: 0 };
    if (skipped > 0 && foreignRaw) notes.push(`partition ${partition}: ${skipped} offsets of the raw topic hold no records`);
    else if (skipped > 0) {
      const text = 'raw records that were removed before they were processed';
      findings.push({ state: 'different', ...at, hour: null, found: skipped, text });
    }
    for (const row of ledger) {
      if (row.lost === 0) continue;
      const text = 'processed records that were removed before they were stored';
      const hour = row.hour === null ? null : isoHour(row.hour);
      findings.push({ state: 'different', ...at, topicId: row.topicId, hour, found: row.lost, text });
    }
  }
  return checkOf('lost', 'no record was removed from a topic before it was read', findings, notes);
}

function goneNote(partition: number, topicId: string, surplus: number, what: string): string {
  return `partition ${partition}: the raw topic ${topicId} is gone, and with it the proof of ${surplus} ${what}, which the processor counted after the last copy`;
}

/** Of records that came from no raw record: refused by the sink, known to no processor. */
function isForeign({ topicId, hours, rest }: CountedHours, ledger: readonly LedgerRow[]): boolean {
  const counted = sum([...hours.values(), rest], ({ raw }) => raw);
  return counted === 0 && topicId !== '' && sum(ledger, (row) => (row.topicId === topicId ? row.stored + row.merged : 0)) === 0;
}

function numbers(of: CountedHours | undefined, what: keyof Counted): Map<number, number> {
  return new Map([...(of?.hours ?? [])].map(([hour, counted]) => [hour, counted[what]]));
}

function sinkTally(ledger: readonly LedgerRow[], what: (row: LedgerRow) => number): Tally {
  const tally: Tally = new Map();
  for (const row of ledger) {
    if (row.hour === null || what(row) === 0) continue;
    const hours = tally.get(row.topicId) ?? new Map<number, number>();
    hours.set(row.hour, what(row));
    tally.set(row.topicId, hours);
  }
  return tally;
}

function sumOf(hours: ReadonlyMap<number, number>): number {
  return sum([...hours.values()], (by) => by);
}

function sum<T>(many: readonly T[], of: (one: T) => number): number {
  return many.reduce((all, one) => all + of(one), 0);
}
