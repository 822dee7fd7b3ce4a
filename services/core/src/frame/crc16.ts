/**
 * CRC-16 of Modbus (MODBUS over Serial Line V1.02, section 6.2.2): polynomial A001 (reflected), begins with FFFF. A frame carries it
 * behind all other bytes, the low byte first.
 */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** The CRC of all these bytes, 0 to 65535. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ Number(TABLE[(crc ^ byte) & 0xff]);
  return crc;
}
