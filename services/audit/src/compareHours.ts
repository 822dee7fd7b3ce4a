/** Two counts of the same things, by hour. Pure. */
import { isoHour } from './counted.ts';
import type { Finding } from './result.ts';

export interface HoursToCompare {
  partition: number;
  topicId: string;
  expected: ReadonlyMap<number, number>;
  /** Expected in hours that are not known any more. */
  rest: number;
  found: ReadonlyMap<number, number>;
  /** Of a topic that is gone: what is found beyond was counted after the last copy, perhaps; it is returned, and is no finding. */
  gone?: boolean;
  /** Hours before this one are not compared. */
  from?: number | null;
  /** For people, such as "rows in the ledger". */
  what: string;
}

/**
 * The hours that differ. What is found beyond what an hour lets expect must be what was expected in unknown hours; an hour in
 * which less was found is different in any case.
 */
export function compareHours(given: HoursToCompare): { findings: Finding[]; surplus: number } {
  const { expected, found, rest, from = null } = given;
  const hours = [...new Set([...expected.keys(), ...found.keys()])].filter((hour) => from === null || hour >= from);
  const less: number[] = [];
  const more: number[] = [];
  let surplus = 0;
  for (const hour of hours.sort((a, b) => a - b)) {
    const by = (found.get(hour) ?? 0) - (expected.get(hour) ?? 0);
    if (by < 0) less.push(hour);
    if (by > 0) more.push(hour);
    surplus += Math.max(0, by);
  }
  const findings = less.map((hour) => finding(given, hour));
  const beyond = Math.max(0, surplus - rest);
  if (from !== null) {
    if (rest === 0 && !given.gone) findings.push(...more.map((hour) => finding(given, hour)));
    return { findings, surplus: beyond };
  }
  if (surplus > rest && !given.gone) findings.push(...(rest === 0 ? more.map((hour) => finding(given, hour)) : [whole(given)]));
  if (surplus < rest) findings.push(whole(given));
  return { findings, surplus: beyond };
}

function finding({ partition, topicId, expected, found, what }: HoursToCompare, hour: number): Finding {
  const [want, have] = [expected.get(hour) ?? 0, found.get(hour) ?? 0];
  return { state: 'different', partition, topicId, hour: isoHour(hour), expected: want, found: have, text: what };
}

function whole({ partition, topicId, expected, found, rest, what }: HoursToCompare): Finding {
  const sum = (hours: ReadonlyMap<number, number>): number => [...hours.values()].reduce((all, by) => all + by, 0);
  const text = `${what}, over all hours: some were not copied while the processor knew them`;
  return { state: 'different', partition, topicId, hour: null, expected: sum(expected) + rest, found: sum(found), text };
}
