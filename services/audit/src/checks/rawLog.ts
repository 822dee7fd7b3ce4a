import { epochHour } from '@millrace/core/record/hour.ts';
import { cutTopicId } from '@millrace/core/record/origin.ts';
import { compareHours } from '../compareHours.ts';
import { countedOf } from '../counted.ts';
import type { Evidence, PartitionEvidence } from '../evidence.ts';
import { type Check, checkOf, type Finding } from '../result.ts';

/** The raw log's own offsets against the records that the processor counted. */
export function rawLog({ partitions, foreignRaw }: Evidence): Check {
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
