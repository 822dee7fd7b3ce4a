/**
 * What an error of the database means for the rows at hand (DESIGN 1.3).
 *
 * Invariant: only SQLSTATE classes 22 (data exception) and 23 (integrity constraint) may refuse a row. Everything that
 * is not known to be the row's fault pauses, so that a full disk or a missing table never fills the dead-letter queue.
 */

/** row: this row is at fault; retry: the same again will do; pause: nothing will do until somebody or something mends it. */
export type Consequence = 'row' | 'retry' | 'pause';

/** SQLSTATE of `millrace.advance`: the position was moved by another since it was read. */
export const POSITION_MOVED = 'MR001';

const RETRIED = new Set(['40001', '40P01']);

/** Decides by SQLSTATE (PostgreSQL documentation, appendix A); undefined: no answer from a server at all. */
export function consequenceOf(sqlState: string | undefined): Consequence {
  if (sqlState === undefined) return 'pause';
  if (RETRIED.has(sqlState)) return 'retry';
  return /^2[23][0-9A-Z]{3}$/.test(sqlState) ? 'row' : 'pause';
}

/** The SQLSTATE of an error that the server sent; undefined for every other error (a broken connection, a time-out, a bug). */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
