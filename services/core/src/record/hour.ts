/** Hours of the ledger: whole hours of the raw record's append time, counted from 1970 (UTC). */

export const HOUR_MS = 3_600_000;
/** Years 1 to 9999. A create time beyond (microseconds where milliseconds belong) counts in the first or last hour. */
const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;

/** The hour that a time in epoch ms falls into, as a number of hours since 1970. */
export function epochHour(timestampMs: number): number {
  return Math.floor(Math.min(LAST_MS, Math.max(FIRST_MS, timestampMs)) / HOUR_MS);
}
