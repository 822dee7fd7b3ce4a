/** A value that is no time, or a time rule that cannot work. The message says what is allowed; the caller names the place. */
export class TimeError extends Error {
  override name = 'TimeError';
}
