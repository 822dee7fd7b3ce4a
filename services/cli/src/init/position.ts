/** Latitude and longitude in two columns: they are named and bounded as the two columns of a point are. */
import { wordsOf } from './name.ts';

/** One of the two columns of a position. */
export interface Coordinate {
  /** `position_lat`, or `depot_lon` where the columns are of a depot. */
  name: string;
  /** Degrees: the largest that there is, and the negative of it the smallest. */
  limit: 90 | 180;
}

interface Numbers {
  path: string;
  /** All numbers in it that are values. */
  numbers: readonly number[];
}

const LAT = /^(?:lat|latitude)$/;
const LON = /^(?:lon|lng|long|longitude)$/;

/** Which of these columns are a position, by path: those that come in pairs, with nothing in them that is not on the Earth. */
export function guessPositions(columns: readonly Numbers[]): Map<string, Coordinate> {
  const found = new Map<string, Coordinate>();
  for (const lat of columns) {
    const place = placeOf(lat.path, LAT, 1);
    const lon = place === null ? undefined : columns.find(({ path }) => placeOf(path, LON, 0) === place);
    if (place === null || !lon || !isWithin(lat, 90) || !isWithin(lon, 180)) continue;
    const name = place || 'position';
    found.set(lat.path, { name: `${name}_lat`, limit: 90 });
    found.set(lon.path, { name: `${name}_lon`, limit: 180 });
  }
  return found;
}

/**
 * What a path is the latitude (or longitude) of, '' where it does not say; null where it is none.
 * @param index in the coordinates of GeoJSON, longitude first (RFC 7946, section 3.1.1)
 */
function placeOf(path: string, named: RegExp, index: 0 | 1): string | null {
  if (path.endsWith(`coordinates.${index}`)) return '';
  const words = wordsOf(path.split('.').at(-1) ?? '');
  if (!named.test(words.at(-1) ?? '')) return null;
  return (
    words.slice(0, -1).join('_') ||
    wordsOf(path.split('.').at(-2) ?? '')
      .join('_')
      .replace(/^(?:coordinates?|coords?|location|position|geo|gps|fix)$/, '')
  );
}

function isWithin({ numbers }: Numbers, limit: number): boolean {
  return numbers.length > 0 && numbers.every((number) => Math.abs(number) <= limit);
}
