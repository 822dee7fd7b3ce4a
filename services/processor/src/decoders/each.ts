/**
 * `record.each`: one row for each element of an array within a record, such as `results` of an answer of a web service or `data`
 * of a gateway's message. The element stands in the place of the array, so that `results.value` is its value and all else of the
 * record stays where it was.
 *
 * Invariants:
 * - An element is refused alone, and what a refusal keeps of it is the record with that element alone: decoded again it is the same.
 * - What stands beside the elements stands in each of their rows: bounded, so that one megabyte does not become gigabytes.
 */
import { stringifyJson } from '@millrace/core/record/json.ts';
import { MAX_OBJECTS } from '@millrace/core/record/raw.ts';
import { isObject, kindOf, shown } from '../fields/shown.ts';
import { type Decoded, DecodeError, type Decoder, type JsonObject, MAX_REPEATED_BYTES } from './decoder.ts';

/** A decoder that gives the elements at `path` of each object that `inner` gives. */
export function each(path: string, inner: Decoder): Decoder {
  return {
    decode(record) {
      const decoded = inner.decode(record).flatMap((part) => ('object' in part ? elements(part.object, path) : [part]));
      if (decoded.length <= MAX_OBJECTS) return decoded;
      const message = `the record has ${decoded.length} elements in ${path}; allowed are at most ${MAX_OBJECTS}`;
      throw new DecodeError({ reason: 'size', message });
    },
  };
}

function elements(object: JsonObject, path: string): Decoded[] {
  const refused = (reason: string, message: string): Decoded[] => [{ problem: { reason, message }, source: object }];
  const keys = keysOf(object, path);
  if (keys === null) return refused('missing', `the record has no ${path}; allowed is an array (spec.record.each)`);
  const list = keys.reduce<unknown>((found, key) => (found as JsonObject)[key], object);
  if (!Array.isArray(list))
    return refused('type', `${path} is ${kindOf(list)} (${shown(list)}); allowed is an array (spec.record.each)`);
  if (list.length === 0) return refused('empty', `${path} is an empty array; allowed is at least one element`);
  const repeated = list.length > 1 ? list.length * Buffer.byteLength(stringifyJson(put(object, keys, null))) : 0;
  if (repeated > MAX_REPEATED_BYTES)
    return refused(
      'size',
      `what stands beside the ${list.length} elements of ${path} would be ${repeated} bytes in their rows; allowed are ${MAX_REPEATED_BYTES}`,
    );
  return list.map((element: unknown) => ({
    object: put(object, keys, element),
    alone: () => put(object, keys, [element]),
  }));
}

/** The keys that lead to the member at a path, as `readPath` finds it; null where there is none. */
function keysOf(object: unknown, path: string): string[] | null {
  if (!isObject(object)) return null;
  if (Object.hasOwn(object, path)) return [path];
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    const rest = Object.hasOwn(object, head) ? keysOf(object[head], path.slice(dot + 1)) : null;
    if (rest !== null) return [head, ...rest];
  }
  return null;
}

/** A copy with another value behind these keys; what is not on the way is shared. */
function put(object: JsonObject, [key = '', ...rest]: readonly string[], value: unknown): JsonObject {
  return { ...object, [key]: rest.length === 0 ? value : put(object[key] as JsonObject, rest, value) };
}
