/**
 * `decode: sensor-logger`: pushes of the phone app Sensor Logger (https://github.com/tszheichoi/awesome-sensor-logger), one
 * object or an array of them. Each reading in `payload` (or `sensors`) is one row: the members of its push (deviceId, sessionId,
 * messageId) and its own (name, time, values, accuracy), side by side.
 *
 * Invariants:
 * - A reading that cannot be read is refused alone; a push that has no readings to look at, as one.
 * - Nothing of a push is left out or replaced: a member that stands in the push and in a reading with another value is refused,
 *   so that no reading gets into another phone's rows.
 * - What a refusal keeps of a reading is a push with that reading alone: decoded again it is the same reading.
 */
import { stringifyJson } from '@millrace/core/record/json.ts';
import { MAX_OBJECTS } from '@millrace/core/record/raw.ts';
import { isObject, kindOf, shown } from '../fields/shown.ts';
import { type Decoded, DecodeError, type Decoder, type JsonObject, MAX_REPEATED_BYTES, type Problem } from './decoder.ts';
import { parseRecord } from './json.ts';

const LISTS = ['payload', 'sensors'] as const;

export const sensorLogger: Decoder = {
  decode(record) {
    const parsed = parseRecord(record);
    const decoded = Array.isArray(parsed)
      ? parsed.flatMap((push, index) => readings(push, `element ${index} of the array`))
      : readings(parsed, 'the record');
    if (decoded.length === 0)
      throw new DecodeError({ reason: 'empty', message: 'the record is an empty array; allowed is at least one push' });
    if (decoded.length > MAX_OBJECTS) {
      const message = `the record has ${decoded.length} readings; allowed are at most ${MAX_OBJECTS}`;
      throw new DecodeError({ reason: 'size', message });
    }
    return decoded;
  },
};

function readings(push: unknown, place: string): Decoded[] {
  const refused = (reason: string, message: string): Decoded[] => [{ problem: { reason, message }, source: push }];
  if (!isObject(push))
    return refused(
      'type',
      `${place} is ${kindOf(push)} (${shown(push)}); allowed is a push, an object with ${LISTS.join(' or ')}`,
    );
  const own: JsonObject = { ...push };
  for (const list of LISTS) delete own[list];
  const lists = LISTS.filter((list) => Object.hasOwn(push, list));
  if (lists.length === 0)
    return refused('missing', `${place} has neither ${LISTS.join(' nor ')}; allowed is an array of readings`);
  const decoded: Decoded[] = [];
  for (const list of lists) {
    const all = push[list];
    if (!Array.isArray(all)) return refused('type', `${list} is ${kindOf(all)} (${shown(all)}); allowed is an array of readings`);
    for (const [index, reading] of all.entries()) decoded.push(readingOf(own, list, index, reading));
  }
  if (decoded.length === 0)
    return refused('empty', `${lists.join(' and ')} of ${place} is empty; allowed is at least one reading`);
  const repeated = decoded.length > 1 ? decoded.length * Buffer.byteLength(stringifyJson(own)) : 0;
  if (repeated > MAX_REPEATED_BYTES)
    return refused(
      'size',
      `what stands beside the ${decoded.length} readings of ${place} would be ${repeated} bytes in their rows; allowed are ${MAX_REPEATED_BYTES}`,
    );
  return decoded;
}

function readingOf(own: JsonObject, list: string, index: number, reading: unknown): Decoded {
  const alone = (): JsonObject => ({ ...own, [list]: [reading] });
  const problem = problemOf(own, list, index, reading);
  return problem === null ? { object: { ...own, ...(reading as JsonObject) }, alone } : { problem, source: alone() };
}

function problemOf(own: JsonObject, list: string, index: number, reading: unknown): Problem | null {
  if (!isObject(reading)) {
    const message = `reading ${index} of ${list} is ${kindOf(reading)} (${shown(reading)}); allowed is an object`;
    return { reason: 'type', message };
  }
  for (const [name, value] of Object.entries(reading)) {
    if (!Object.hasOwn(own, name) || isSame(own[name], value)) continue;
    const message = `reading ${index} of ${list} has ${name} ${shown(value)}, its push has ${shown(own[name])}; allowed is one of both, or the same`;
    return { reason: 'conflict', message };
  }
  return null;
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || stringifyJson([a]) === stringifyJson([b]);
}
