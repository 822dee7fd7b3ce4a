import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutIntoBatches } from './cut.ts';
import type { OutRecord } from './kafka.ts';
import { encodeBatch } from './recordBatch.ts';

const sized = (bytes: number): OutRecord => ({ key: null, value: Buffer.alloc(bytes), headers: {} });
const SEQUENCE = { producerId: '1', producerEpoch: 0, first: 0 };

describe('cutting a send by bytes', () => {
  test('keeps order and every record, and no batch is larger than the topic takes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 3_000 }), { maxLength: 60 }),
        fc.integer({ min: 4_000, max: 20_000 }),
        (sizes, maxBytes) => {
          const records = sizes.map(sized);
          const parts = cutIntoBatches(records, maxBytes);
          expect(parts.flat()).toEqual(records);
          for (const part of parts) expect(encodeBatch(part, SEQUENCE, 0).length).toBeLessThanOrEqual(maxBytes);
          expect(parts.every((part) => part.length > 0)).toBe(true);
        },
      ),
    );
  });

  test('a record that fits only alone goes alone', () => {
    expect(cutIntoBatches([sized(10), sized(4_000_000), sized(10)], 4_300_000).map((part) => part.length)).toEqual([1, 1, 1]);
  });

  test('a record that fits into no batch is refused before anything is sent, by number and size', () => {
    expect(() => cutIntoBatches([sized(10), sized(2_000)], 1_000)).toThrow(
      /record 1 of 2 takes 2\d\d\d bytes; the topic allows 1000/,
    );
  });
});
