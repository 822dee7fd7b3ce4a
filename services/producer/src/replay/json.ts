/**
 * Cuts JSON into records without reading it: the elements of an array, or objects one after another. Each record is
 * the exact text that stands in the file, so that no digit of a number changes and a byte position is known for the
 * checkpoint, and one malformed element is refused alone by the processor. (Token parsers such as stream-json give neither
 * positions nor source text, and stop at the first mistake.)
 *
 * Invariant: only a whole record is given. A file that ends within one, or within its array, is an error with the
 * place before the unfinished record, so that a completed copy of the file goes on there.
 */
import { crc32 } from 'node:zlib';
import { Collector, InputError, markLength, type Open, type Piece, type Pieces, type ReadFrom, type ReadRules } from './piece.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export async function* readJson(
  open: Open,
  from: ReadFrom,
  { name, maxBytes }: Pick<ReadRules, 'name' | 'maxBytes'>,
): AsyncGenerator<Pieces> {
  /** Whether the file is an array; on a resume its first byte tells. */
  let array = from.byte > 0 && (await startsWithArray(open));
  let closed = false;
  /** Nothing but space was seen yet. */
  let first = from.byte === 0;
  const record = new Collector(maxBytes);
  /** -1 between records; else how many brackets are open in this one (0: a bare value). */
  let depth = -1;
  let inString = false;
  let escaped = false;
  let start = from.byte;
  let base = from.byte;
  let crc = from.crc;

  for await (const chunk of open(from.byte)) {
    const pieces: Piece[] = [];
    let begun = 0;
    let summed = 0;
    const finish = (to: number): void => {
      record.add(chunk.subarray(begun, to));
      crc = crc32(chunk.subarray(summed, to), crc);
      summed = to;
      pieces.push({ ...record.take(), start, end: base + to, crc });
      depth = -1;
      inString = false;
    };
    for (let at = base === 0 ? markLength(chunk) : 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) {
          inString = false;
          if (depth === 0) finish(at + 1);
        }
        continue;
      }
      if (depth === -1) {
        if (isSpace(byte)) continue;
        if (array && !closed && byte === COMMA) continue;
        if (array && !closed && byte === CLOSE_ARRAY) {
          closed = true;
          continue;
        }
        const isFirst = first;
        first = false;
        if (isFirst && byte === OPEN_ARRAY) {
          array = true;
          continue;
        }
        if (closed || (!array && byte !== OPEN_OBJECT)) throw notJson(name, base + at, chunk.subarray(at, at + 40), closed);
        begun = at;
        start = base + at;
        depth = 0;
      }
      if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (depth > 0) {
        if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) finish(at + 1);
      } else if (byte === COMMA || byte === CLOSE_ARRAY || isSpace(byte)) {
        finish(at); // a bare value in the array ends before this byte
        at--;
      }
    }
    if (depth !== -1) record.add(chunk.subarray(begun));
    crc = crc32(chunk.subarray(summed), crc);
    base += chunk.length;
    yield { pieces, crc };
  }
  if (depth !== -1)
    throw new InputError(`${name} ends within the record that began at byte ${start}; what stands before it was read`);
  if (array && !closed)
    throw new InputError(`${name} ends at byte ${base} before its array is closed by "]"; what stands before was read`);
}

async function startsWithArray(open: Open): Promise<boolean> {
  for await (const chunk of open(0)) {
    for (let at = markLength(chunk); at < chunk.length; at++) {
      if (!isSpace(chunk[at] as number)) return chunk[at] === OPEN_ARRAY;
    }
  }
  return false;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function notJson(name: string, byte: number, found: Buffer, closed: boolean): InputError {
  const text = JSON.stringify(found.toString());
  return closed
    ? new InputError(`${name} goes on after the end of its array: ${text} at byte ${byte}; allowed is one array of objects`)
    : new InputError(`${name} is no JSON at byte ${byte}: ${text}; allowed is an array of objects, or objects one after another`);
}
