/** The key of a raw record: it names the device, so that one device keeps its order (DESIGN 1.1). */
import { createHash } from 'node:crypto';
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import { numberText } from '@millrace/core/record/number.ts';
import { readPath } from '@millrace/core/record/path.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';

/** A raw record that is to be sent. */
export interface KeyedRecord extends OutRecord {
  key: Buffer;
  value: Buffer;
}

const HASH_DIGITS = 16;
/** A longer one names no device; and the raw topic has room for keys of a sane length. */
const MAX_KEY_BYTES = 1_024;

/**
 * Makes the function that gives the key of a parsed record: the value of `record.key` at the first of its paths that
 * is there, without the characters of `strip` and without space around it. Where there is none (or it is no text, number or
 * bool), the hash of the record's bytes: such records spread over the partitions.
 */
export function keyReader(pipeline: Pipeline): (record: unknown, bytes: Buffer) => Buffer {
  const { key, fields, each } = pipeline.spec.record;
  const field = fields[key];
  const paths = pathsOf(key, field?.from);
  const stripped = new Set(field?.strip ?? '');
  const valueAt = (record: unknown, path: string): unknown => readPath(record, path) ?? commonOf(record, path, each);
  return (record, bytes) => {
    const path = paths.find((candidate) => valueAt(record, candidate) !== undefined);
    const found = path === undefined ? undefined : valueAt(record, path);
    let text = typeof found === 'boolean' ? String(found) : (numberText(found) ?? '');
    if (stripped.size > 0) text = [...text].filter((character) => !stripped.has(character)).join('');
    text = text.trim();
    const key = Buffer.from(text);
    return key.length === 0 || key.length > MAX_KEY_BYTES ? hashKey(bytes) : key;
  };
}

/** What all elements of the array at `each` have at a path through it; undefined where they differ: they belong to several devices. */
function commonOf(record: unknown, path: string, each: string | undefined): unknown {
  if (each === undefined || !path.startsWith(`${each}.`)) return undefined;
  const list = readPath(record, each);
  if (!Array.isArray(list)) return undefined;
  const [first, ...others] = list.map((element: unknown) => readPath(element, path.slice(each.length + 1)));
  return others.every((value) => value === first) ? first : undefined;
}

/** The key of a record whose device cannot be read: the first digits of its sha256. */
export function hashKey(bytes: Buffer): Buffer {
  return Buffer.from(createHash('sha256').update(bytes).digest('hex').slice(0, HASH_DIGITS));
}

/** The paths of a field in the input, first choice first. */
export function pathsOf(name: string, from: string | string[] | undefined): string[] {
  return from === undefined ? [name] : typeof from === 'string' ? [from] : from;
}
