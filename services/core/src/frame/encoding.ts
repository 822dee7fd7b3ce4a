/**
 * Numbers in the bytes of a frame. Pure; a new encoding is a line in the table.
 *
 * Invariant: what comes out is the number nearest to the decimal that the device means: a whole number divided by an exact power of
 * ten is rounded once (IEEE 754), and a Float32 is read as the shortest decimal that is this Float32. So 234 with one decimal is
 * 23.4, not 23.400000000000002, and a Float32 of 23.4 is 23.4, not 23.399999618530273.
 */
interface Encoding {
  bytes: 1 | 2 | 4;
  /** The value of bytes that stand in big-endian order. */
  read(view: DataView): number;
}

export const ENCODINGS = {
  Int8: { bytes: 1, read: (view) => view.getInt8(0) },
  Uint8: { bytes: 1, read: (view) => view.getUint8(0) },
  Int16: { bytes: 2, read: (view) => view.getInt16(0) },
  Uint16: { bytes: 2, read: (view) => view.getUint16(0) },
  Int32: { bytes: 4, read: (view) => view.getInt32(0) },
  Uint32: { bytes: 4, read: (view) => view.getUint32(0) },
  Float32: { bytes: 4, read: (view) => view.getFloat32(0) },
} as const satisfies Record<string, Encoding>;

export type EncodingName = keyof typeof ENCODINGS;

/**
 * Which byte of the number stands where in the frame, for A the most and D the least significant one: a Modbus device sends words of two
 * bytes, and some send the low word first. Of one or two bytes `big-swapped` is `big`, and `little-swapped` is `little`.
 */
export const BYTE_ORDERS = {
  big: [0, 1, 2, 3], // AB, ABCD
  little: [3, 2, 1, 0], // BA, DCBA
  'big-swapped': [2, 3, 0, 1], // AB, CDAB
  'little-swapped': [1, 0, 3, 2], // BA, BADC
} as const;

export type ByteOrder = keyof typeof BYTE_ORDERS;

export const MAX_DECIMALS = 9;
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export interface NumberRule {
  /** Of the first byte, from 0. */
  offset: number;
  encoding: EncodingName;
  byteOrder: ByteOrder;
  /** The number is divided by 10^decimals; 0 to 9. */
  decimals: number;
}

/**
 * Compiles what reads one number; the bytes must reach behind it. null: a Float32 that is no number (NaN), which is how devices say that
 * they have none. An infinite one comes out as it is.
 */
export function compileNumber({ offset, encoding, byteOrder, decimals }: NumberRule): (bytes: Uint8Array) => number | null {
  const { bytes: length, read } = ENCODINGS[encoding];
  const order = BYTE_ORDERS[byteOrder];
  // Of a word alone the four-byte orders say its two bytes: 'little' and 'little-swapped' turn them around.
  const turned = byteOrder === 'little' || byteOrder === 'little-swapped';
  const at = length === 4 ? order : length === 2 ? (turned ? [1, 0] : [0, 1]) : [0];
  const power = Number(POWERS[decimals]);
  const scratch = new DataView(new ArrayBuffer(4));
  return (bytes) => {
    for (let byte = 0; byte < length; byte++) scratch.setUint8(byte, Number(bytes[offset + Number(at[byte])]));
    const value = read(scratch);
    if (encoding !== 'Float32') return value / power + 0; // + 0: no minus zero
    if (Number.isNaN(value)) return null;
    return Number.isFinite(value) ? shortest(value, decimals) + 0 : value;
  };
}

/** The shortest decimal whose Float32 is this one, divided by 10^decimals; nine digits always do (IEEE 754). */
function shortest(float: number, decimals: number): number {
  let digits = 1;
  while (digits < 9 && Math.fround(Number(float.toPrecision(digits))) !== float) digits++;
  const [mantissa, exponent = '0'] = float.toPrecision(digits).split('e');
  return Number(`${mantissa}e${Number(exponent) - decimals}`);
}
