/** ISO text of epoch ms; the number where it is beyond what a Date holds. */
export function isoOf(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`;
}
