/**
 * Kafka's record batch, format 2 (https://kafka.apache.org/documentation/#recordbatch), written and read. Own code instead
 * of kafkajs' for three reasons: its reader fails on more than about 100,000 records in one answer (it spreads them into
 * a call), it makes a BigInt or Long of each number (four times slower), and it knows no zstd.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js';
import { KafkaError } from './errors.ts';
import type { KafkaRecord, OutRecord } from './kafka.ts';
import { LogRecord, VarintReader } from './logRecord.ts';

/** Bytes of a batch before its first record. */
export const BATCH_OVERHEAD = 61;
/** From the start of a batch to the end of its length field. */
const LOG_OVERHEAD = 12;
const TRANSACTIONAL = 0x10;
const MAGIC = 2;
/** A batch of at most a few MiB that unpacks to more than this is refused: memory is bounded. */
const MAX_UNPACKED = 256 * 1024 * 1024;

export interface Sequence {
  producerId: string;
  producerEpoch: number;
  first: number;
  /** Whether the batch is part of a transaction of the producer. */
  isTransactional?: boolean;
}

/** An upper bound of the bytes that a record takes in a batch. */
export function recordBytes(record: OutRecord): number {
  let bytes = 32 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const name in record.headers) bytes += 10 + Buffer.byteLength(name) + Buffer.byteLength(record.headers[name] ?? '');
  return bytes;
}

/** One batch of at least one record, all created at `nowMs`. */
export function encodeBatch(records: readonly OutRecord[], sequence: Sequence, nowMs: number): Buffer {
  let size = BATCH_OVERHEAD;
  for (const record of records) size += recordBytes(record);
  const batch = Buffer.allocUnsafe(size);
  let at = BATCH_OVERHEAD;
  for (let index = 0; index < records.length; index++) at = writeRecord(batch, at, records[index] as OutRecord, index);
  batch.writeBigInt64BE(0n, 0); // base offset: the broker's to set
  batch.writeInt32BE(at - LOG_OVERHEAD, 8);
  batch.writeInt32BE(-1, 12); // leader epoch: the broker's to set
  batch.writeInt8(MAGIC, 16);
  batch.writeInt16BE(sequence.isTransactional ? TRANSACTIONAL : 0, 21); // attributes: not packed, create time
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(nowMs), 27);
  batch.writeBigInt64BE(BigInt(nowMs), 35);
  batch.writeBigInt64BE(BigInt(sequence.producerId), 43);
  batch.writeInt16BE(sequence.producerEpoch, 51);
  batch.writeInt32BE(sequence.first, 53);
  batch.writeInt32BE(records.length, 57);
  batch.writeUInt32BE(crc32C(batch.subarray(21, at)), 17);
  return batch.subarray(0, at);
}

function writeRecord(batch: Buffer, start: number, record: OutRecord, index: number): number {
  const names = Object.keys(record.headers);
  // The length comes first and its own length depends on it: write the record behind the longest length, then move it.
  let at = start + 5;
  batch[at++] = 0; // attributes
  batch[at++] = 0; // timestamp delta
  at = writeVarint(batch, at, index);
  at = writeBytes(batch, at, record.key);
  at = writeBytes(batch, at, record.value);
  at = writeVarint(batch, at, names.length);
  for (const name of names) {
    at = writeText(batch, at, name);
    at = writeText(batch, at, record.headers[name] as string);
  }
  const bodyEnd = writeVarint(batch, start, at - start - 5);
  batch.copyWithin(bodyEnd, start + 5, at);
  return bodyEnd + at - start - 5;
}

function writeBytes(batch: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(batch, at, -1);
  const start = writeVarint(batch, at, bytes.length);
  bytes.copy(batch, start);
  return start + bytes.length;
}

function writeText(batch: Buffer, at: number, text: string): number {
  if (text.length <= ONE_BYTE_LENGTH) {
    // Header names and most values: their length in UTF-8 is known once they are written.
    const written = batch.write(text, at + 1);
    if (written <= ONE_BYTE_LENGTH) {
      batch[at] = written << 1;
      return at + 1 + written;
    }
  }
  const start = writeVarint(batch, at, Buffer.byteLength(text));
  return start + batch.write(text, start);
}

/** Longest length that is one byte as a varint. */
const ONE_BYTE_LENGTH = 63;

/** Zigzag, then 7 bits per byte, lowest first. */
function writeVarint(batch: Buffer, start: number, value: number): number {
  let at = start;
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest >= 0x80) {
    batch[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  batch[at++] = rest;
  return at;
}

/** Offset after the last whole batch, at least `from`: also where nothing of it is a record for readers. */
export function nextOffset(log: Buffer, from: number): number {
  let next = from;
  for (const { at } of wholeBatches(log)) {
    const last = log.readInt8(at + 16) === MAGIC ? log.readInt32BE(at + 23) : 0; // of another format `decodeBatches` tells
    next = Math.max(next, Number(log.readBigInt64BE(at)) + last + 1);
  }
  return next;
}

/** Where batches start and end; the last one may be cut off, which is how the broker keeps to the size. */
function* wholeBatches(log: Buffer): Generator<{ at: number; end: number }> {
  for (let at = 0; at + LOG_OVERHEAD <= log.length; ) {
    const end = at + LOG_OVERHEAD + log.readInt32BE(at + 8);
    if (end > log.length) return;
    yield { at, end };
    at = end;
  }
}

/**
 * The records with offset >= `from` of the batches that a fetch answered, without control records and those of aborted
 * transactions; views into `log`.
 * @param aborted transactions that were aborted, by first offset ascending, as the fetch answered them
 * @throws KafkaError naming offset and format where a batch cannot be read
 */
export function decodeBatches(
  log: Buffer,
  from: number,
  aborted: readonly { producerId: bigint; firstOffset: number }[],
): KafkaRecord[] {
  const records: KafkaRecord[] = [];
  const abortedNow = new Set<bigint>();
  let pendingAborted = 0;
  for (const { at, end } of wholeBatches(log)) {
    const baseOffset = Number(log.readBigInt64BE(at));
    const magic = log.readInt8(at + 16);
    if (magic !== MAGIC)
      throw new KafkaError(
        `record batch at offset ${baseOffset} has format ${magic}; allowed is ${MAGIC} (Kafka 0.11 and newer)`,
      );
    const attributes = log.readInt16BE(at + 21);
    const lastOffset = baseOffset + log.readInt32BE(at + 23);
    const producerId = log.readBigInt64BE(at + 43);
    const isTransactional = (attributes & TRANSACTIONAL) !== 0;
    for (let one = aborted[pendingAborted]; one && one.firstOffset <= lastOffset; one = aborted[++pendingAborted])
      abortedNow.add(one.producerId);
    const body = unpack(log.subarray(at + BATCH_OVERHEAD, end), attributes & 0x07, baseOffset);
    if ((attributes & 0x20) !== 0) {
      if (isAbortMarker(body)) abortedNow.delete(producerId);
    } else if (!(isTransactional && abortedNow.has(producerId)) && lastOffset >= from) {
      readRecords(body, log.readInt32BE(at + 57), from, records, {
        baseOffset,
        baseTimestamp: Number(log.readBigInt64BE(at + 27)),
        appendTimestamp: (attributes & 0x08) !== 0 ? Number(log.readBigInt64BE(at + 35)) : null,
      });
    }
  }
  return records;
}

function unpack(body: Buffer, codec: number, offset: number): Buffer {
  switch (codec) {
    case 0:
      return body;
    case 1:
      return gunzipSync(body, { maxOutputLength: MAX_UNPACKED });
    case 4:
      return zstdDecompressSync(body, { maxOutputLength: MAX_UNPACKED });
    default: {
      const name = ['none', 'gzip', 'snappy', 'lz4', 'zstd'][codec] ?? `codec ${codec}`;
      throw new KafkaError(`record batch at offset ${offset} is packed with ${name}; allowed are none, gzip and zstd`);
    }
  }
}

interface BatchTimes {
  baseOffset: number;
  baseTimestamp: number;
  appendTimestamp: number | null;
}

function readRecords(body: Buffer, count: number, from: number, into: KafkaRecord[], batch: BatchTimes): void {
  const reader = new VarintReader(body, 0);
  for (let index = 0; index < count; index++) {
    const length = reader.varint();
    const end = reader.at + length;
    reader.at++; // attributes
    const timestampDelta = reader.varint();
    const offset = batch.baseOffset + reader.varint();
    const timestampMs = batch.appendTimestamp ?? batch.baseTimestamp + timestampDelta;
    if (offset >= from) into.push(new LogRecord(offset, timestampMs, body, reader.at));
    reader.skipBytes(); // key
    reader.skipBytes(); // value
    for (let parts = 2 * reader.varint(); parts > 0; parts--) reader.skipBytes(); // headers
    if (reader.at !== end)
      throw new KafkaError(`the record at offset ${offset} has ${reader.at - end + length} bytes where it says ${length}`);
  }
}

/** Of a control batch: key is version and type, both int16; type 0 is abort, 1 is commit. */
function isAbortMarker(body: Buffer): boolean {
  const reader = new VarintReader(body, 0);
  reader.varint();
  reader.at++;
  reader.varint();
  reader.varint();
  return reader.bytes()?.readInt16BE(2) === 0;
}
