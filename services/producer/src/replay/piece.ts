/** What the readers of csv, json and ndjson have in common: bytes in, records with their places out. */
import { createHash, type Hash } from 'node:crypto';
import type { Oversize } from '@millrace/core/record/raw.ts';

/** The input cannot be read, or not further. What was read before is sent; the message names the place and what is allowed. */
export class InputError extends Error {
  override name = 'InputError';
}

/** One record as it stands in a file. */
export interface Piece {
  /** Its bytes, or the beginning of them where `oversize` is set. */
  bytes: Buffer;
  /** A csv row by column name. */
  row?: Record<string, string>;
  /** Why this csv row could not be read: its bytes go on as they are. */
  unreadable?: string;
  oversize?: Oversize;
  /** Where it starts, and where the next one does: bytes of the (decompressed) file. */
  start: number;
  end: number;
  /** CRC-32 of everything before `end`, over all files of this round. */
  crc: number;
}

/** The records of one chunk. After the last of a file, `crc` covers all of its bytes. */
export interface Pieces {
  pieces: Piece[];
  crc: number;
}

/** Bytes of a file from an offset on (after decompression), in order. @throws InputError naming the file */
export type Open = (from: number) => AsyncIterable<Buffer>;

export interface ReadFrom {
  byte: number;
  crc: number;
}

export interface ReadRules {
  /** For messages. */
  name: string;
  /** Of a record with more bytes only the beginning is kept (`keptBytes`), with length and sha256. */
  maxBytes: number;
  /** Of csv; the others have none. */
  csv: CsvRules;
}

export interface CsvRules {
  delimiter: string;
  /** Around values; '': nothing is. */
  quote: string;
  /** Which row names the columns, from 1; those before it are passed over. 0: none does. */
  header: number;
  /** How many rows behind it are no records. */
  skip: number;
  /** Names in the place of those in the file. */
  columns: readonly string[] | null;
}

/** A file format. Memory is bounded by `maxBytes` and the size of a chunk, whatever is in the file. */
export type Read = (open: Open, from: ReadFrom, rules: ReadRules) => AsyncGenerator<Pieces>;

const KEPT_BYTES = 65_536;
const MARK = Buffer.from('\ufeff');

/** How many bytes are kept of a record that is larger than `maxBytes`. */
export function keptBytes(maxBytes: number): number {
  return Math.min(KEPT_BYTES, maxBytes);
}

/** Bytes of a UTF-8 byte order mark at the start of `bytes`: 3 or 0. */
export function markLength(bytes: Buffer): number {
  return bytes.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
}

/** Collects the bytes of one record across chunks; over `maxBytes` it keeps the beginning, the length and the hash. */
export class Collector {
  readonly #maxBytes: number;
  readonly #kept: number;
  #parts: Buffer[] = [];
  #length = 0;
  #hash: Hash | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#kept = keptBytes(maxBytes);
  }

  get length(): number {
    return this.#length;
  }

  add(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#hash) {
      this.#hash.update(bytes);
      return;
    }
    this.#parts.push(bytes);
    if (this.#length <= this.#maxBytes) return;
    const all = Buffer.concat(this.#parts);
    this.#hash = createHash('sha256').update(all);
    this.#parts = [Buffer.from(all.subarray(0, this.#kept))];
  }

  /** The record, and empty again. */
  take(): Pick<Piece, 'bytes' | 'oversize'> {
    const bytes = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    const oversize = this.#hash ? { length: this.#length, sha256: this.#hash.digest('hex') } : null;
    this.#parts = [];
    this.#length = 0;
    this.#hash = null;
    return oversize ? { bytes, oversize } : { bytes };
  }
}
