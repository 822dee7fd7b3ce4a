/** Points on the Earth as well-known text (OGC 06-103r4, section 7): `POINT (-97.842659 30.428783)`, longitude first. */

export interface Point {
  lat: number;
  lon: number;
}

/** Text that is no point, or one that is not on the Earth. The message says what is allowed. */
export class PointError extends Error {
  override name = 'PointError';
  readonly reason: 'type' | 'range';

  constructor(reason: 'type' | 'range', message: string) {
    super(message);
    this.reason = reason;
  }
}

// No two parts that follow one another match the same character: a million digits or spaces take linear time.
const NUMBER = '([+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?)';
const POINT = new RegExp(
  `^(?:SRID=4326;)?\\s*POINT\\s*(?:(?:ZM|Z|M)\\s*)?(?:(EMPTY)|\\(\\s*${NUMBER}\\s+${NUMBER}(?:\\s+${NUMBER}){0,2}\\s*\\))$`,
  'i',
);
/** Of a number in a message. */
const MAX_SHOWN = 40;

/**
 * Reads a WKT point in degrees (WGS 84); a height or measure is not kept.
 * @returns null for `POINT EMPTY`
 * @throws PointError
 */
export function parsePoint(text: string): Point | null {
  const match = POINT.exec(text.trim());
  if (!match) throw new PointError('type', 'allowed is a WKT point such as POINT (-97.84 30.43), longitude first');
  if (match[1] !== undefined) return null;
  const lon = Number(match[2]);
  const lat = Number(match[3]);
  if (!(Math.abs(lon) <= 180))
    throw new PointError('range', `longitude ${match[2]?.slice(0, MAX_SHOWN)} (it stands first); allowed is -180 to 180`);
  if (!(Math.abs(lat) <= 90))
    throw new PointError('range', `latitude ${match[3]?.slice(0, MAX_SHOWN)} (it stands second); allowed is -90 to 90`);
  return { lat, lon };
}
