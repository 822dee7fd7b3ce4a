import { compareHours } from '../compareHours.ts';
import { countedOf, isoHour } from '../counted.ts';
import type { Evidence } from '../evidence.ts';
import { type Check, checkOf, type Finding } from '../result.ts';
import { numbers, sinkTally, sumOf } from './sums.ts';

/** Refusals in the dead-letter topic, each identity once, against those counted. */
export function deadLetters({ partitions }: Evidence): Check {
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
