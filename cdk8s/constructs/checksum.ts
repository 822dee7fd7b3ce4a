/**
 * A short checksum of contents that can be read by a template as well as by us: while objects are being made it stands in
 * them as a mark that holds the contents, and is computed when they are finished. The chart's generator takes the marks
 * instead, and lets Helm compute the same checksum of what it has rendered (docs/decisions/0028).
 */
import { createHash } from 'node:crypto';

/** Of a name with its content, sorted by name. */
export type Entry = readonly [name: string, content: string];

/** Where no text of a Kubernetes object has them; in a text that went through JSON.stringify they are escaped. */
const START = '\u0001sha256';
const END = '\u0002';
const begins = '(?:\u0001|\\\\+u0001)sha256';
export const CHECKSUM_MARK = new RegExp(`${begins}:(\\d+):([A-Za-z0-9+/=]*)(?:${END}|\\\\+u0002)`, 'g');
const CUT_MARK = new RegExp(begins);
const LENGTH = 16;

/** The same whatever the order in which contents are given. @param length of the checksum, at most 64 */
export function checksumOf(data: Readonly<Record<string, string>>, length = LENGTH): string {
  const entries = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${START}:${length}:${Buffer.from(JSON.stringify(entries)).toString('base64')}${END}`;
}

/** What the mark holds. @param base64 its second group */
export function entriesOf(base64: string): Entry[] {
  return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
}

/** A copy of a finished object in which every mark is its checksum. @throws Error where a mark was cut */
export function computeChecksums<T>(value: T): T {
  if (typeof value === 'string') return compute(value) as T;
  if (Array.isArray(value)) return value.map(computeChecksums) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, computeChecksums(member)])) as T;
}

function compute(text: string): string {
  const computed = text.replace(CHECKSUM_MARK, (_, length: string, base64: string) => {
    const hash = createHash('sha256');
    // A name or a content holds no NUL, so that another one cannot give the same text.
    for (const [name, content] of entriesOf(base64)) hash.update(`${name}\0${compute(content)}\0`);
    return hash.digest('hex').slice(0, Number(length));
  });
  if (CUT_MARK.test(computed)) throw new Error('a checksum was cut: give checksumOf the length');
  return computed;
}
