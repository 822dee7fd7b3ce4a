import { z } from 'zod';

/** Milliseconds in each unit that a duration may name. `w` is 7 days, `y` is 365 days. */
export const UNIT_MS = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
} as const;

const PATTERN = /^([1-9][0-9]{0,8})(s|m|h|d|w|y)$/;
const ALLOWED = 'a duration: a whole number from 1 and one of s, m, h, d, w, y, such as 90s or 7d';

/** A duration as the spec writes it: a whole number and one of s, m, h, d, w, y (`90s`, `7d`). */
export const duration = z.string().regex(PATTERN, ALLOWED).meta({ title: 'duration', patternErrorMessage: ALLOWED });

/**
 * Milliseconds of a duration.
 * @throws RangeError when the text is no duration (a loaded spec never holds one)
 */
export function durationMs(text: string): number {
  const match = PATTERN.exec(text);
  if (!match) throw new RangeError(`not a duration: ${JSON.stringify(text)}`);
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}
