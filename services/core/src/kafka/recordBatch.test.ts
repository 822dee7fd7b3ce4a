import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import Decoder from 'kafkajs/src/protocol/decoder.js';
// @ts-expect-error kafkajs' own codec, as a second opinion
import theirs from 'kafkajs/src/protocol/recordBatch/v0/decoder.js';
import { describe, expect, test } from 'vitest';
import type { OutRecord } from './kafka.ts';
import { BATCH_OVERHEAD, decodeBatches, encodeBatch, nextOffset, recordBytes } from './recordBatch.ts';

const SEQUENCE = { producerId: '4611686018427387904', producerEpoch: 3, first: 2_147_000_000 };
const NOW = 1_795_354_747_985;

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const headersNamed = (name: fc.Arbitrary<string>) =>
  fc.dictionary(name, fc.string({ unit: 'grapheme' }), { maxKeys: 4, noNullPrototype: true });
const anyName = fc.string({ unit: 'grapheme', minLength: 1 });
const outRecord: fc.Arbitrary<OutRecord> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: headersNamed(fc.oneof(anyName, fc.constantFrom('__proto__', 'constructor'))),
});

function plain(
  records: readonly { key: Buffer | null; value: Buffer | null; headers: Readonly<Record<string, Buffer | string>> }[],
) {
  return records.map(({ key, value, headers }) => ({
    key: key?.toString('hex'),
    value: value?.toString('hex'),
    headers: Object.entries(headers)
      .map(([name, text]) => [name, text.toString()])
      .sort(),
  }));
}

/** The batch as a broker stores it. */
function stored(records: OutRecord[], baseOffset: number, change?: (batch: Buffer) => void): Buffer {
  const batch = Buffer.from(encodeBatch(records, SEQUENCE, NOW));
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  change?.(batch);
  return batch;
}

const one = (text: string): OutRecord => ({ key: null, value: Buffer.from(text), headers: {} });
const texts = (log: Buffer, from: number, aborted: Parameters<typeof decodeBatches>[2] = []) =>
  decodeBatches(log, from, aborted).map(({ offset, value }) => `${offset}:${value}`);

describe('record batches', () => {
  test('come back as they were written, and fit the size that was reckoned', () => {
    fc.assert(
      fc.property(fc.array(outRecord, { minLength: 1, maxLength: 20 }), fc.nat(), (records, offset) => {
        const log = stored(records, offset);
        expect(log.length).toBeLessThanOrEqual(BATCH_OVERHEAD + records.reduce((sum, record) => sum + recordBytes(record), 0));
        const decoded = decodeBatches(log, offset, []);
        expect(plain(decoded)).toEqual(plain(records));
        expect(decoded.map((record) => record.offset)).toEqual(records.map((_, index) => offset + index));
        expect(new Set(decoded.map(({ timestampMs }) => timestampMs))).toEqual(new Set([NOW]));
        expect(nextOffset(log, offset)).toBe(offset + records.length);
      }),
    );
  });

  test('are read alike by another implementation', async () => {
    await fc.assert(
      // Theirs takes a header called `constructor` for the one that every object has.
      fc.asyncProperty(
        fc.array(
          fc.record({ key: fc.option(bytes), value: fc.option(bytes), headers: headersNamed(anyName.map((name) => `h${name}`)) }),
          { minLength: 1, maxLength: 10 },
        ),
        async (records) => {
          const batch = await theirs(new Decoder(stored(records, 70)));
          expect(batch.producerId).toBe(SEQUENCE.producerId);
          expect([batch.producerEpoch, batch.firstSequence]).toEqual([SEQUENCE.producerEpoch, SEQUENCE.first]);
          const flat = batch.records.map((record: { headers: Record<string, Buffer | Buffer[]> }) => record);
          expect(plain(flat)).toEqual(plain(records));
        },
      ),
    );
  });

  test('a length that needs two bytes moves nothing (127, 128 and 16,383 bytes)', () => {
    for (const length of [50, 57, 58, 127, 128, 8_000, 16_383, 70_000]) {
      const record = one('x'.repeat(length));
      expect(plain(decodeBatches(stored([record, one('after')], 0), 0, []))).toEqual(plain([record, one('after')]));
    }
  });

  test('a fetch that starts inside a batch gives only what was asked for', () => {
    const log = Buffer.concat([stored([one('a'), one('b'), one('c')], 10), stored([one('d')], 13)]);
    expect(texts(log, 12)).toEqual(['12:c', '13:d']);
  });

  test('a batch that is cut off is left for the next fetch', () => {
    const log = Buffer.concat([stored([one('a')], 10), stored([one('b')], 11).subarray(0, 65)]);
    expect(nextOffset(log, 10)).toBe(11);
    expect(texts(log, 10)).toEqual(['10:a']);
    expect([decodeBatches(Buffer.alloc(5), 10, []), nextOffset(Buffer.alloc(5), 10)]).toEqual([[], 10]);
  });

  test('more records than fit into a call come all', () => {
    const records = Array.from({ length: 150_000 }, () => one(''));
    expect(decodeBatches(stored(records, 0), 0, [])).toHaveLength(150_000);
  });

  test.each([
    ['gzip', 1, gzipSync],
    ['zstd', 4, zstdCompressSync],
  ])('packed with %s', (_, codec, pack) => {
    const batch = stored([one('a'), one('b')], 5);
    const packed = Buffer.concat([batch.subarray(0, BATCH_OVERHEAD), pack(batch.subarray(BATCH_OVERHEAD))]);
    packed.writeInt32BE(packed.length - 12, 8);
    packed.writeInt16BE(codec, 21);
    expect(texts(packed, 5)).toEqual(['5:a', '6:b']);
  });

  test('packed in a way that cannot be read is an error with place and name, not an empty batch', () => {
    const batch = stored([one('a')], 5, (bytes) => bytes.writeInt16BE(2, 21));
    expect(() => decodeBatches(batch, 5, [])).toThrow('offset 5 is packed with snappy; allowed are none, gzip and zstd');
  });

  test('a record whose lengths do not add up is an error before any of the batch is read, not a wrong value', () => {
    const log = stored([one('first'), { key: Buffer.from('k'), value: Buffer.from('v'), headers: { name: 'text' } }], 7);
    const changed = (at: number) => {
      const copy = Buffer.from(log);
      copy[at] = (copy[at] ?? 0) + 2; // one byte more
      return copy;
    };
    const lengths = ['k', 'v', 'name', 'text'].map((part) => log.lastIndexOf(part) - 1);
    for (const at of lengths)
      expect(() => decodeBatches(changed(at), 7, [])).toThrow(/offset 8 has \d+ bytes where it says|ends inside/);
  });

  test('append time is the topic’s when the topic says so', () => {
    const log = stored([one('a'), one('b')], 0, (bytes) => {
      bytes.writeInt16BE(0x08, 21);
      bytes.writeBigInt64BE(9n, 35);
    });
    expect(decodeBatches(log, 0, []).map(({ timestampMs }) => timestampMs)).toEqual([9, 9]);
  });

  test('aborted transactions and their markers are no records, but are passed over', () => {
    const transactional = (batch: Buffer) => batch.writeInt16BE(0x10, 21);
    const marker = (offset: number, type: number) => {
      const key = Buffer.alloc(4);
      key.writeInt16BE(type, 2);
      return stored([{ key, value: Buffer.alloc(6), headers: {} }], offset, (batch) => batch.writeInt16BE(0x30, 21));
    };
    const log = Buffer.concat([
      stored([one('a'), one('b')], 0, transactional),
      marker(2, 0), // aborts
      stored([one('c')], 3, transactional),
      marker(4, 1), // commits
    ]);
    const aborted = [{ producerId: BigInt(SEQUENCE.producerId), firstOffset: 0 }];
    expect(texts(log, 0, aborted)).toEqual(['3:c']);
    expect(nextOffset(log, 0)).toBe(5);
    expect(decodeBatches(log.subarray(0, log.length), 4, [])).toEqual([]);
  });
});
