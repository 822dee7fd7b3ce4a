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

/** Digits that a number in a header may have. */
const [MAX_OFFSET_DIGITS, MAX_COUNT_DIGITS, MAX_TIMESTAMP_DIGITS] = [16, 9, 19];
const [MINUS, COLON, ZERO] = [0x2d, 0x3a, 0x30];

/** @throws Error naming the header when it is no origin: nothing may be stored without one */
export function decodeOrigin(header: Buffer): Origin {
  const colon = colonFrom(header, 0);
  const second = colonFrom(header, colon + 1);
  const third = colonFrom(header, second + 1);
  const offset = wholeNumber(header, colon + 1, second, MAX_OFFSET_DIGITS);
  const index = wholeNumber(header, second + 1, third, MAX_COUNT_DIGITS);
  const count = wholeNumber(header, third + 1, header.length, MAX_COUNT_DIGITS);
  if (offset < 0 || index < 0 || count < 0 || !isTopicId(header, colon))
    throw new Error(
      `header ${ORIGIN_HEADER} is ${JSON.stringify(header.toString().slice(0, 80))}; allowed is <topic id>:<offset>:<index>:<count>`,
    );
  return { topicId: last.topicId, offset, index, count };
}

/** The raw record's append time, epoch ms. @throws Error naming the header when it is none */
export function decodeRawTimestamp(header: Buffer | undefined): number {
  const isBefore1970 = header?.[0] === MINUS;
  const digits = header === undefined ? -1 : wholeNumber(header, isBefore1970 ? 1 : 0, header.length, MAX_TIMESTAMP_DIGITS);
  if (digits < 0)
    throw new Error(
      `header ${RAW_TIMESTAMP_HEADER} is ${JSON.stringify(header?.toString().slice(0, 80) ?? null)}; allowed is a whole number of epoch ms`,
    );
  return isBefore1970 ? -digits : digits;
}

/** Where the next colon stands; the end where there is none, behind which no number is. */
function colonFrom(header: Buffer, from: number): number {
  let at = from;
  while (at < header.length && header[at] !== COLON) at++;
  return at;
}

/** Of all the records of a log: checked once, and one text for all of them. */
let last = { topicId: '', bytes: Buffer.alloc(0) };

function isTopicId(header: Buffer, length: number): boolean {
  const { bytes } = last;
  let same = bytes.length === length && length > 0;
  for (let at = 0; same && at < length; at++) same = header[at] === bytes[at];
  if (same) return true;
  const topicId = header.toString('latin1', 0, length);
  if (!/^[A-Za-z0-9_~-]{1,40}$/.test(topicId)) return false;
  last = { topicId, bytes: Buffer.from(topicId) };
  return true;
}

/** The number that 1 to `maxDigits` digits of [from, to) are; -1: they are none. By byte: a regular expression takes four times as long. */
function wholeNumber(header: Buffer, from: number, to: number, maxDigits: number): number {
  if (to <= from || to - from > maxDigits) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = (header[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return to - from > 15 ? Number(header.toString('latin1', from, to)) : value; // rounded as everywhere
}

/** Whether `a` stands after `b` among the origins of one raw topic id; everything stands after undefined. */
export function isAfter(a: Pick<Origin, 'offset' | 'index'>, b: Pick<Origin, 'offset' | 'index'> | undefined): boolean {
  return b === undefined || a.offset > b.offset || (a.offset === b.offset && a.index > b.index);
}
