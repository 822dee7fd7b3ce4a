/**
 * From the body of a request to raw records. Nothing is judged here that the processor judges record by record: a body is
 * refused only where nothing in it could become a row, so that no good record is lost with a bad neighbour.
 *
 * Invariants:
 * - A raw record's value is a stretch of the body as it came: all of it, a line of ndjson, or, where the elements of an array belong
 *   to different devices, an element each.
 * - All that is in the body is in some raw record, in the body's order.
 */
import { HttpRefusal } from '@millrace/core/http/refusal.ts';
import { JsonError, parseJson, parseJsonWithoutDigits } from '@millrace/core/record/json.ts';
import { RECORD_LIMITS } from '@millrace/core/record/jsonScan.ts';
import { readPath } from '@millrace/core/record/path.ts';
import { MAX_OBJECTS } from '@millrace/core/record/raw.ts';
import { maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { readJson } from '../replay/json.ts';
import { hashKey, keyReader, pathsOf } from '../send/key.ts';
import { tooLarge } from './body.ts';

export interface Enveloped {
  key: Buffer;
  value: Buffer;
}

/** The raw records of a body. @throws HttpRefusal 400 naming the field, 413 */
export type Envelope = (bytes: Buffer) => Promise<Enveloped[]>;

const LINE_END = 0x0a;
const NO_BYTES = Buffer.alloc(0);
/** What the reader of keys gives where it finds none. */
const NO_KEY = hashKey(NO_BYTES);

type Member = Record<string, unknown>;
const isObject = (value: unknown): value is Member => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The two ways in which a body may hold records, for the content types application/json and application/x-ndjson. */
export function envelopesOf(pipeline: Pipeline): { json: Envelope; ndjson: Envelope } {
  const { record } = pipeline.spec;
  const maxBytes = maxRecordBytesOf(pipeline);
  const readKey = keyReader(pipeline);
  const field = record.fields[record.key];
  const paths = pathsOf(record.key, field?.from);
  const keyPath = paths.join(' or ');
  const isPush = record.decode === 'sensor-logger';

  /** null: none can be read. */
  const keyOf = (element: unknown): Buffer | null => {
    const key = readKey(element, NO_BYTES);
    return key.equals(NO_KEY) ? null : key;
  };

  /** @throws HttpRefusal where none of these could become a row */
  function check(elements: readonly unknown[], keys: readonly (Buffer | null)[]): void {
    if (elements.length === 0) throw new HttpRefusal(400, 'the body is empty; allowed is at least one JSON object');
    if (!elements.some(isObject))
      throw new HttpRefusal(400, 'the body holds no JSON object; allowed is an object, or an array of objects');
    if (field?.required && record.each === undefined && keys.every((key) => key === null))
      throw new HttpRefusal(400, `field ${keyPath} is missing; it names the device`, { field: keyPath });
    if (isPush && !elements.some((one) => isObject(one) && (hasReadings(one.payload) || hasReadings(one.sensors))))
      throw new HttpRefusal(400, 'field payload is no array with a reading in it; allowed is a push of Sensor Logger', {
        field: 'payload',
      });
  }

  /** Of all that is parsed only the device is used: digits count where a number names it. @throws JsonError */
  function parse(bytes: Buffer): unknown {
    const parsed = parseJsonWithoutDigits(bytes, RECORD_LIMITS);
    const isNamedByNumber = (one: unknown): boolean => paths.some((path) => typeof readPath(one, path) === 'number');
    return [parsed].flat().some(isNamedByNumber) ? parseJson(bytes, RECORD_LIMITS) : parsed;
  }

  async function json(bytes: Buffer): Promise<Enveloped[]> {
    if (bytes.length > maxBytes) throw tooLarge(maxBytes);
    const parsed = parsedOr(() => parse(bytes), refuseText);
    const elements = Array.isArray(parsed) ? parsed : [parsed];
    checkCount(elements.length, 'objects');
    const keys = elements.map(keyOf);
    check(elements, keys);
    const first = keys[0] ?? null;
    if (keys.every((key) => (key === null ? first === null : first?.equals(key))))
      return [{ key: first ?? hashKey(bytes), value: bytes }];
    const values = await elementsOf(bytes);
    return values.map((value, at) => ({ key: keys[at] ?? hashKey(value), value }));
  }

  async function ndjson(bytes: Buffer): Promise<Enveloped[]> {
    const lines = linesOf(bytes);
    checkCount(lines.length, 'lines');
    const elements = lines.map((line, at) => {
      if (line.length > maxBytes)
        throw new HttpRefusal(413, `line ${at + 1} has ${line.length} bytes; allowed are ${maxBytes} (spec.record.maxBytes)`);
      return parsedOr(
        () => parse(line),
        () => undefined,
      );
    });
    const keys = elements.map(keyOf);
    check(elements, keys);
    return lines.map((value, at) => ({ key: keys[at] ?? hashKey(value), value }));
  }

  return { json, ndjson };
}

/** Before anything is done for each of them. */
function checkCount(count: number, what: string): void {
  if (count > MAX_OBJECTS) throw new HttpRefusal(413, `the body holds ${count} ${what}; allowed are ${MAX_OBJECTS} at a time`);
}

function hasReadings(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}

/** A line that is no JSON goes on as it is: the processor refuses it alone. */
function parsedOr(parse: () => unknown, other: (error: JsonError) => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    if (error instanceof JsonError) return other(error);
    throw error;
  }
}

function refuseText({ message }: JsonError): never {
  throw new HttpRefusal(400, message);
}

/** Lines that hold more than space. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(LINE_END, from);
    const line = bytes.subarray(from, end === -1 ? bytes.length : end);
    if (/\S/.test(line.toString('latin1'))) lines.push(line);
    if (end === -1) break;
    from = end + 1;
  }
  return lines;
}

/** The elements of an array that was parsed already, as they stand in it. */
async function elementsOf(bytes: Buffer): Promise<Buffer[]> {
  const open = async function* () {
    yield bytes;
  };
  const values: Buffer[] = [];
  const rules = { name: 'the body', maxBytes: bytes.length };
  for await (const { pieces } of readJson(open, { byte: 0, crc: 0 }, rules)) for (const piece of pieces) values.push(piece.bytes);
  return values;
}
