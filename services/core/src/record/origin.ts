/**
 * The origin of a processed record: which raw record it came from (DESIGN 1.2 rule 2). Header `origin`, as text
 * `<raw topic id>:<raw offset>:<index>:<count>`; header `raw-timestamp`, the raw record's append time in epoch ms.
 *
 * Invariant: origins of one raw topic id in one partition are ordered by (offset, index), and every processor emits
 * them in that order.
 */
export interface Origin {
  /** Kafka's topic id (KIP-516), in Kafka's base64url form; after a truncation under the same id `<id>~<n>`. */
  topicId: string;
  offset: number;
  /** Which of the raw record's rows, from 0. */
  index: number;
  /** How many rows the raw record gave. */
  count: number;
}

export const ORIGIN_HEADER = 'origin';
export const RAW_TIMESTAMP_HEADER = 'raw-timestamp';

/** The topic id in origins of records appended after so many cuts of the log under one id. */
export function cutTopicId(topicId: string, cuts: number): string {
  return cuts === 0 ? topicId : `${topicId}~${cuts}`;
}

export function encodeOrigin(origin: Origin): string {
  return `${origin.topicId}:${origin.offset}:${origin.index}:${origin.count}`;
}

/** @throws Error naming the text when it is no origin: nothing may be stored without one. */
export function decodeOrigin(text: string): Origin {
  const match = /^([A-Za-z0-9_~-]{1,40}):(\d{1,16}):(\d{1,9}):(\d{1,9})$/.exec(text);
  if (!match)
    throw new Error(
      `header ${ORIGIN_HEADER} is ${JSON.stringify(text.slice(0, 80))}; allowed is <topic id>:<offset>:<index>:<count>`,
    );
  return { topicId: match[1] as string, offset: Number(match[2]), index: Number(match[3]), count: Number(match[4]) };
}

/** Whether `a` stands after `b` among the origins of one raw topic id; everything stands after undefined. */
export function isAfter(a: Pick<Origin, 'offset' | 'index'>, b: Pick<Origin, 'offset' | 'index'> | undefined): boolean {
  return b === undefined || a.offset > b.offset || (a.offset === b.offset && a.index > b.index);
}
