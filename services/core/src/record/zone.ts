/**
 * Wall-clock time of an IANA zone to UTC and back, fast enough for every record (Luxon alone makes 20,000 a second).
 *
 * Invariants: a wall-clock time that a zone skipped has no UTC time and is never moved; one that it passed twice means
 * the earlier of the two. Memory is bounded.
 */
import { IANAZone } from 'luxon';

export interface Zone {
  name: string;
  /** UTC ms of a wall-clock time given as if it were UTC ms; null where the clocks skipped it. */
  toUtc(wallMs: number): number | null;
  /** Whether its clocks show the same once more after this time: a text alone does not tell which of both it was. */
  isRepeated(utcMs: number): boolean;
}

const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;
/** By which clocks are put back. */
const STEPS_MS = [3_600_000, 1_800_000];
const MAX_CACHED = 20_000;
const zones = new Map<string, Zone>();

/** The zone of an IANA name such as `America/Chicago`; null where there is none of that name. */
export function zoneOf(name: string): Zone | null {
  const known = zones.get(name);
  if (known) return known;
  if (!IANAZone.isValidZone(name)) return null;
  const iana = IANAZone.create(name);
  // Luxon gives minutes, with a fraction where a zone once had local mean time.
  const exact: Offset = (utcMs) => Math.round(iana.offset(utcMs) * 60_000);
  const offset = cached(DAY_MS, cached(QUARTER_MS, exact));
  const zone = {
    name,
    toUtc: resolver(offset),
    isRepeated: (utcMs: number) => STEPS_MS.some((step) => offset(utcMs) - offset(utcMs + step) === step),
  };
  if (zones.size < MAX_CACHED) zones.set(name, zone);
  return zone;
}

/** Offset from UTC in ms at a UTC time. */
type Offset = (utcMs: number) => number;

/** Keeps the offsets of whole spans in which they don't change; no zone changed there and back within a day. */
function cached(spanMs: number, exact: Offset): Offset {
  const spans = new Map<number, number | null>();
  return (utcMs) => {
    const span = Math.floor(utcMs / spanMs);
    let offset = spans.get(span);
    if (offset === undefined) {
      const first = exact(span * spanMs);
      offset = first === exact((span + 1) * spanMs - 1) ? first : null;
      if (spans.size >= MAX_CACHED) spans.clear();
      spans.set(span, offset);
    }
    return offset ?? exact(utcMs);
  };
}

/** The offset that holds at a wall-clock time is the one of a day before, of a day after, or one in between. */
function resolver(offset: Offset): Zone['toUtc'] {
  return (wallMs) => {
    const before = offset(wallMs - DAY_MS);
    const after = offset(wallMs + DAY_MS);
    let earliest: number | null = null;
    for (const candidate of before === after ? [before] : [before, after, offset(wallMs - before)]) {
      const utcMs = wallMs - candidate;
      if (offset(utcMs) === candidate && (earliest === null || utcMs < earliest)) earliest = utcMs;
    }
    return earliest;
  };
}
