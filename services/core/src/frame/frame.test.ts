/** Vectors are worked out by hand from the bytes, not by this code. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc16 } from './crc16.ts';
import { BYTE_ORDERS, type ByteOrder, compileNumber, ENCODINGS, type EncodingName } from './encoding.ts';
import { parseHex } from './hex.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('a number of a frame', () => {
  test.each<[EncodingName, ByteOrder, string, number, number | null]>([
    ['Int8', 'big', '7F', 0, 127],
    ['Int8', 'little', '80', 0, -128],
    ['Int8', 'big', 'C4', 0, -60],
    ['Int8', 'big', 'FF', 1, -0.1],
    ['Uint8', 'big', 'FF', 0, 255],
    ['Uint8', 'little-swapped', '5F', 2, 0.95],
    ['Int16', 'big', '00 E1', 1, 22.5],
    ['Int16', 'big', '00 EA', 1, 23.4], // 234 * 0.1 is 23.400000000000002
    ['Int16', 'big', 'FF 38', 1, -20],
    ['Int16', 'big', 'FF 37', 1, -20.1],
    ['Int16', 'big', '80 00', 0, -32768],
    ['Int16', 'little', 'E1 00', 1, 22.5],
    ['Int16', 'big-swapped', '00 E1', 1, 22.5],
    ['Int16', 'little-swapped', 'E1 00', 1, 22.5],
    ['Uint16', 'big', '01 C8', 1, 45.6],
    ['Uint16', 'big', 'FF FF', 0, 65535],
    ['Uint16', 'little', '8E 13', 2, 50.06],
    ['Int32', 'big', 'FF FF FF FE', 0, -2],
    ['Int32', 'big', '80 00 00 00', 3, -2147483.648],
    ['Int32', 'little', 'FE FF FF FF', 1, -0.2],
    ['Int32', 'big-swapped', 'E2 40 00 01', 0, 123456], // 0001E240
    ['Int32', 'little-swapped', '01 00 40 E2', 0, 123456],
    ['Uint32', 'big', '00 01 8B CD', 2, 1013.25],
    ['Uint32', 'little', 'CD 8B 01 00', 2, 1013.25],
    ['Uint32', 'big-swapped', '8B CD 00 01', 2, 1013.25],
    ['Uint32', 'little-swapped', '01 00 CD 8B', 2, 1013.25],
    ['Uint32', 'big', 'FF FF FF FF', 9, 4.294967295],
    ['Float32', 'big', '41 BB 33 33', 0, 23.4], // the nearest Float32 to 23.4, exactly 23.399999618530273
    ['Float32', 'little', '33 33 BB 41', 0, 23.4],
    ['Float32', 'big-swapped', '33 33 41 BB', 0, 23.4],
    ['Float32', 'little-swapped', 'BB 41 33 33', 0, 23.4],
    ['Float32', 'big', '41 BB 33 33', 2, 0.234],
    ['Float32', 'big', 'C1 20 00 00', 0, -10],
    ['Float32', 'big', '80 00 00 00', 0, 0],
    ['Float32', 'big', '00 00 00 01', 0, 1e-45], // the smallest one, 2^-149
    ['Float32', 'big', '7F 7F FF FF', 0, 3.4028235e38],
    ['Float32', 'big', '7F 7F FF FF', 3, 3.4028235e35],
    ['Float32', 'big', '7F C0 00 00', 0, null],
    ['Float32', 'big', '7F 80 00 00', 0, Number.POSITIVE_INFINITY],
  ])('%s %s %s with %d decimals is %s', (encoding, byteOrder, hex, decimals, value) => {
    const shifted = Buffer.concat([Buffer.from('AA', 'hex'), bytes(hex), Buffer.from('55', 'hex')]);
    expect(compileNumber({ offset: 0, encoding, byteOrder, decimals })(bytes(hex))).toBe(value);
    expect(compileNumber({ offset: 1, encoding, byteOrder, decimals })(shifted)).toBe(value);
  });

  test('whatever whole number a device sends: it comes back, as the decimal it is', () => {
    const orders = fc.constantFrom(...(Object.keys(BYTE_ORDERS) as ByteOrder[]));
    fc.assert(
      fc.property(
        orders,
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.integer({ min: 0, max: 9 }),
        (order, n, decimals) => {
          const big = Buffer.alloc(4);
          big.writeInt32BE(n);
          const sent = Buffer.from(BYTE_ORDERS[order].map((_, at) => Number(big[BYTE_ORDERS[order].indexOf(at as 0)])));
          const read = compileNumber({ offset: 0, encoding: 'Int32', byteOrder: order, decimals });
          expect(read(sent)).toBe(Number(`${n}e-${decimals}`) + 0);
        },
      ),
    );
  });

  test('whatever Float32: read as its shortest decimal, it is the same Float32', () => {
    const read = compileNumber({ offset: 0, encoding: 'Float32', byteOrder: 'big', decimals: 0 });
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (float) => {
        const sent = Buffer.alloc(4);
        sent.writeFloatBE(float);
        expect(Math.fround(Number(read(sent)))).toBe(float + 0);
      }),
    );
  });

  test('every encoding has vectors above', () => {
    expect(Object.keys(ENCODINGS)).toEqual(['Int8', 'Uint8', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32']);
  });
});

test.each([
  ['01 03 00 00 00 0A', 'C5 CD'], // an example of many manuals: read ten registers
  ['02 07', '41 12'], // of the specification, appendix B
  ['01 03 0C 00 E1 01 C8 00 01 8B CD 02 9E 5F C4', 'DD D1'],
  ['', 'FF FF'],
])('the CRC of %s is %s, low byte first', (frame, crc) => {
  const value = crc16(bytes(frame));
  expect(Buffer.from([value & 0xff, value >> 8])).toEqual(Buffer.from(bytes(crc)));
});

test('one bit that is wrong is another CRC', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), fc.nat({ max: 7 }), (frame, at, bit) => {
      const wrong = Uint8Array.from(frame);
      wrong[at % frame.length] = Number(wrong[at % frame.length]) ^ (1 << bit);
      expect(crc16(wrong)).not.toBe(crc16(frame));
    }),
  );
});

test.each([
  ['01 03 0C', [1, 3, 12]],
  ['01030c', [1, 3, 12]],
  ['01:03-0C\n', [1, 3, 12]],
  ['', []],
])('hex digits %j', (text, expected) => {
  expect([...(parseHex(text) as Uint8Array)]).toEqual(expected);
});

test.each([
  ['01 03 0', /has 5 hex digits, which is odd/],
  ['01 0G', /holds "G"/],
  ['0x01', /holds "x"/],
  ['٠١', /holds/],
])('no hex digits: %j', (text, problem) => {
  expect(parseHex(text)).toEqual({ problem: expect.stringMatching(problem) });
});
