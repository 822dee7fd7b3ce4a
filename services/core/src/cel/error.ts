/** An expression that cannot be used: found when a Pipeline is loaded, never while records flow. */
export class CelCompileError extends Error {
  override name = 'CelCompileError';
  /** Place in the expression, in characters from 0; null where the whole expression is meant. */
  readonly offset: number | null;
  /** What may stand there, for people. */
  readonly allowed: string;

  constructor(message: string, offset: number | null, allowed: string) {
    super(message);
    this.offset = offset;
    this.allowed = allowed;
  }
}

/** A record that an expression cannot be evaluated for, such as one that divides by zero: it belongs into the DLQ. */
export class CelError extends Error {
  override name = 'CelError';
  /** A short, countable word: `division_by_zero`, `numeric_overflow`, `not_finite` … */
  readonly reason: string;

  constructor(message: string, reason: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}
