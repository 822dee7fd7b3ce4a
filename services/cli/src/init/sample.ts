/**
 * A bounded part of a file: its beginning, and of a plain file that is larger some pieces of the rest up to its end, so that a
 * late type, word or encoding is seen. Read with the replay's own readers. Memory: the bounds below, whatever the file.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { JsonError, parseJson } from '@millrace/core/record/json.ts';
import { RECORD_LIMITS } from '@millrace/core/record/jsonScan.ts';
import { DecodeError, type Decoder } from '@millrace/processor/decoders/decoder.ts';
import { decoderOf } from '@millrace/processor/decoders/index.ts';
import { sensorLogger } from '@millrace/processor/decoders/sensorLogger.ts';
import { readCsv } from '@millrace/producer/replay/csv.ts';
import { type Encoding, toUtf8 } from '@millrace/producer/replay/encoding.ts';
import type { Format } from '@millrace/producer/replay/files.ts';
import { readJson } from '@millrace/producer/replay/json.ts';
import { readNdjson } from '@millrace/producer/replay/ndjson.ts';
import { type CsvRules, InputError, type Piece, type Read } from '@millrace/producer/replay/piece.ts';
import { guessEncoding } from './encoding.ts';
import { type Dialect, guessDialect, guessFormat } from './format.ts';
import { type Columns, csvColumns, jsonColumns } from './records.ts';

const HEAD_BYTES = 4_194_304;
const WINDOW_BYTES = 262_144;
const WINDOWS = 8;
/** Of text that tells how a csv file is written. */
const DIALECT_CHARACTERS = 65_536;
/** Of one row of csv. A record of JSON may be as large as what is looked at. */
const MAX_ROW_BYTES = 1_048_576;
/** Of arrays within records so many are looked into. */
const MAX_LISTS = 3;
const NEWLINE = 0x0a;

export interface Sample extends Columns {
  format: Format;
  encoding: Encoding;
  /** Of csv. */
  dialect: (Dialect & { /** Whether the names are those of the header, as they are. */ isNamed: boolean }) | null;
  decode: 'json' | 'sensor-logger';
  /** The path of the array whose elements are the records; null: each record is one. */
  each: string | null;
  /** The same columns, where the elements of one of the arrays in the records are taken for the records, the longest first. */
  elements: { path: string; columns: Columns }[];
  /** The records as they stand in the file, for the processor. */
  values: Buffer[];
  /** Lines that could not be read, and the first reason. */
  unreadable: { count: number; reason: string };
  bytes: { looked: number /** of the file; null: compressed, and not read to its end */; total: number | null };
  /** Whether all of the file was looked at. */
  whole: boolean;
}

/** @throws InputError naming the file, what was found and what is allowed */
export async function readSample(file: string): Promise<Sample> {
  const isGzip = file.toLowerCase().endsWith('.gz');
  const found = await stat(file).catch((error: Error) => {
    throw new InputError(`${file} cannot be read: ${error.message}`, { cause: error });
  });
  if (!found.isFile()) throw new InputError(`${file} is no regular file; allowed is a csv, json or ndjson file, also as .gz`);
  const head = await beginningOf(file, isGzip);
  if (!isGzip && head.bytes[0] === 0x1f && head.bytes[1] === 0x8b)
    throw new InputError(`${file} is gzip; allowed is a compressed file whose name ends in .gz: rename it`);
  const windows = isGzip || head.whole ? [] : await windowsOf(file, found.size);
  const raw = [head.whole ? head.bytes : upToLineEnd(head.bytes), ...windows];
  const encoding = guessEncoding(raw);
  if (encoding === null)
    throw new InputError(`${file} is no text: it has bytes of 0, and is not UTF-8; allowed is csv, json or ndjson, also as .gz`);
  const wide = encoding.startsWith('utf-16');
  const parts = await Promise.all((wide ? [evenly(head.bytes)] : raw).map((part) => decoded(part, encoding, file)));
  const [first = Buffer.alloc(0), ...rest] = parts;
  const text = first.toString();
  if (text.trim() === '') throw new InputError(`${file} is empty; allowed is a file with at least one record`);
  const format = guessFormat(text);
  const looked = raw.reduce((bytes, part) => bytes + part.length, 0);
  const shared = {
    format,
    encoding,
    whole: head.whole,
    bytes: { looked, total: isGzip ? (head.whole ? head.bytes.length : null) : found.size },
  };
  const records =
    format === 'csv' ? await csvRecords(text, first, rest, file) : await jsonRecords(format, first, rest, head.whole, file);
  return { ...shared, ...records };
}

type Records = Pick<
  Sample,
  'columns' | 'others' | 'lists' | 'each' | 'elements' | 'dialect' | 'decode' | 'values' | 'unreadable'
>;

async function csvRecords(text: string, first: Buffer, rest: readonly Buffer[], file: string): Promise<Records> {
  const dialect = guessDialect(wholeLines(text.slice(0, DIALECT_CHARACTERS), text.length > DIALECT_CHARACTERS));
  const { delimiter, quote, header, skip } = dialect;
  const names = differentNames(dialect.names);
  const isNamed = header > 0 && !dialect.isJoined && names.every((name, at) => name === dialect.names[at]);
  const rules: CsvRules = { delimiter, quote, header, skip, columns: isNamed ? null : names };
  const pieces = await piecesOf(readCsv, first, rules, file);
  for (const part of rest) {
    // Its first line may be the end of a value with line breaks: what cannot be read is no news here.
    const found = await piecesOf(readCsv, part, { ...rules, header: 0, skip: 0, columns: names }, file);
    pieces.push(...found.filter(({ row }) => row !== undefined));
  }
  const rows = pieces.flatMap(({ row }) => (row === undefined ? [] : [row]));
  const unnamed = new Set(names.filter((name, at) => /^column\d+$/.test(name) && name === `column${at + 1}`));
  return {
    ...csvColumns(rows, names, unnamed, dialect.units),
    dialect: { ...dialect, names, isNamed },
    decode: 'json',
    each: null,
    elements: [],
    values: rows.map((row) => Buffer.from(JSON.stringify(row))),
    unreadable: unreadableIn(pieces),
  };
}

/** The names of a header, each once: the second `temp` is `temp_2`. */
function differentNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let free = name;
    for (let number = 2; taken.has(free) || (number > 2 && names.includes(free)); number++) free = `${name}_${number}`;
    taken.add(free);
    return free;
  });
}

async function jsonRecords(
  format: Format,
  first: Buffer,
  rest: readonly Buffer[],
  whole: boolean,
  file: string,
): Promise<Records> {
  const rules: CsvRules = { delimiter: ',', quote: '"', header: 1, skip: 0, columns: null };
  const read = format === 'ndjson' ? readNdjson : readJson;
  const pieces = await piecesOf(read, first, rules, file, whole);
  if (format === 'ndjson') for (const part of rest) pieces.push(...(await piecesOf(read, part, rules, file)));
  const values = pieces.flatMap(({ bytes, oversize }) => (oversize ? [] : [bytes]));
  const parsed = values.flatMap((value) => objectsOf(value));
  const pushes = values.flatMap((value) => (isPush(value) ? objectsIn(sensorLogger, value) : []));
  const isPushes = pushes.length > 0;
  const reasons = pieces.filter(({ bytes, oversize }) => oversize || objectsOf(bytes).length === 0);
  const columns = jsonColumns(isPushes ? pushes : parsed);
  return {
    ...columns,
    each: null,
    elements: isPushes ? [] : elementsIn(values, columns.lists),
    dialect: null,
    decode: isPushes ? 'sensor-logger' : 'json',
    values,
    unreadable: {
      count: reasons.length,
      reason: `no JSON object, or one of more than ${HEAD_BYTES} bytes: of an array in one large object make a file of that array alone, such as by jq`,
    },
  };
}

function elementsIn(values: readonly Buffer[], lists: Columns['lists']): Sample['elements'] {
  const longest = [...lists].toSorted(([, a], [, b]) => b - a).slice(0, MAX_LISTS);
  return longest.map(([path]) => {
    const decoder = decoderOf({ decode: 'json', each: path }, null);
    const objects = values.flatMap((value) => objectsIn(decoder, value));
    return { path, columns: jsonColumns(objects) };
  });
}

function objectsOf(value: Buffer): Record<string, unknown>[] {
  try {
    const parsed = parseJson(value, RECORD_LIMITS);
    return [parsed].flat().filter((element) => typeof element === 'object' && element !== null) as Record<string, unknown>[];
  } catch (error) {
    if (error instanceof JsonError) return [];
    throw error;
  }
}

/** Whether it is a push of the app Sensor Logger, which has a decoder of its own. */
function isPush(value: Buffer): boolean {
  return objectsOf(value).some((object) => {
    const list = object.payload ?? object.sensors;
    return (
      Array.isArray(list) &&
      list.some(
        (reading: unknown) =>
          typeof reading === 'object' && reading !== null && 'values' in reading && 'time' in reading && 'name' in reading,
      )
    );
  });
}

function objectsIn(decoder: Decoder, value: Buffer): Record<string, unknown>[] {
  const record: KafkaRecord = { offset: 0, timestampMs: 0, key: null, value, headers: {} };
  try {
    return decoder.decode(record).flatMap((part) => ('object' in part ? [part.object] : []));
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}

/** @param whole whether an end within a record is an error */
async function piecesOf(read: Read, bytes: Buffer, csv: CsvRules, name: string, whole = true): Promise<Piece[]> {
  const maxBytes = read === readCsv ? MAX_ROW_BYTES : HEAD_BYTES;
  const pieces: Piece[] = [];
  const content = async function* (from: number): AsyncGenerator<Buffer> {
    for (let at = from; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  };
  try {
    for await (const batch of read(content, { byte: 0, crc: 0 }, { name, maxBytes, csv })) pieces.push(...batch.pieces);
  } catch (error) {
    if (!(error instanceof InputError) || whole) throw error;
  }
  return pieces;
}

function unreadableIn(pieces: readonly Piece[]): Sample['unreadable'] {
  const found = pieces.filter(({ row }) => row === undefined);
  return { count: found.length, reason: found[0]?.unreadable ?? 'it is too large' };
}

async function beginningOf(file: string, isGzip: boolean): Promise<{ bytes: Buffer; whole: boolean }> {
  const source = createReadStream(file);
  const stream = isGzip ? pipeline(source, createGunzip(), () => undefined) : source;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > HEAD_BYTES) break;
    }
  } catch (error) {
    throw new InputError(`${file} cannot be read after byte ${length}: ${(error as Error).message}`, { cause: error });
  } finally {
    stream.destroy();
    source.destroy();
  }
  const bytes = Buffer.concat(chunks);
  return { bytes: bytes.subarray(0, HEAD_BYTES), whole: length <= HEAD_BYTES };
}

/** Pieces of the file behind its beginning, the last one at its end, each cut at line breaks. */
async function windowsOf(file: string, size: number): Promise<Buffer[]> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(file);
    const windows: Buffer[] = [];
    const step = Math.max(WINDOW_BYTES, Math.floor((size - HEAD_BYTES) / WINDOWS));
    for (let end = size; end > HEAD_BYTES && windows.length < WINDOWS; end -= step) {
      const start = Math.max(HEAD_BYTES, end - WINDOW_BYTES);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
      const read = buffer.subarray(0, bytesRead);
      const begun = read.subarray(read.indexOf(NEWLINE) + 1);
      windows.unshift(end === size ? begun : upToLineEnd(begun));
    }
    return windows;
  } catch (error) {
    throw new InputError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

function upToLineEnd(bytes: Buffer): Buffer {
  const last = bytes.lastIndexOf(NEWLINE);
  return last === -1 ? bytes : bytes.subarray(0, last + 1);
}

/** Of UTF-16 no half of a character. */
function evenly(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length - (bytes.length % 2));
}

async function decoded(bytes: Buffer, encoding: Encoding, file: string): Promise<Buffer> {
  if (encoding === 'utf-8') return bytes;
  const chunks = async function* (): AsyncGenerator<Buffer> {
    yield bytes;
  };
  try {
    return Buffer.concat(await Array.fromAsync(toUtf8(chunks(), encoding)));
  } catch (error) {
    throw new InputError(`${file} is no ${encoding} text: ${(error as Error).message}`, { cause: error });
  }
}

function wholeLines(text: string, isCut: boolean): string {
  const last = text.lastIndexOf('\n');
  return isCut && last > 0 ? text.slice(0, last + 1) : text;
}
