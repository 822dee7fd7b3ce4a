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
  const colon = text.indexOf(':');
  const second = text.indexOf(':', colon + 1);
  const third = text.indexOf(':', second + 1);
  const offset = wholeNumber(text, colon + 1, second, 16);
  const index = wholeNumber(text, second + 1, third, 9);
  const count = wholeNumber(text, third + 1, text.length, 9);
  if (colon < 0 || second < 0 || third < 0 || offset < 0 || index < 0 || count < 0 || !isTopicId(text.slice(0, colon)))
    throw new Error(
      `header ${ORIGIN_HEADER} is ${JSON.stringify(text.slice(0, 80))}; allowed is <topic id>:<offset>:<index>:<count>`,
    );
  return { topicId: lastTopicId, offset, index, count };
}

/** Of all the records of a log: checked once, and one text for all of them. */
let lastTopicId = '';

function isTopicId(text: string): boolean {
  if (text === lastTopicId && text !== '') return true;
  if (!/^[A-Za-z0-9_~-]{1,40}$/.test(text)) return false;
  lastTopicId = text;
  return true;
}

/** The number that 1 to `maxDigits` digits of [from, to) are; -1: they are none. By character: a regular expression takes four times as long. */
function wholeNumber(text: string, from: number, to: number, maxDigits: number): number {
  if (to <= from || to - from > maxDigits) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return to - from > 15 ? Number(text.slice(from, to)) : value; // rounded as everywhere
}

/** Whether `a` stands after `b` among the origins of one raw topic id; everything stands after undefined. */
export function isAfter(a: Pick<Origin, 'offset' | 'index'>, b: Pick<Origin, 'offset' | 'index'> | undefined): boolean {
  return b === undefined || a.offset > b.offset || (a.offset === b.offset && a.index > b.index);
}
