/** An answer other than 200: what is wrong, where, and what is allowed. */
export class HttpRefusal extends Error {
  override name = 'HttpRefusal';
  readonly code: number;
  /** The member of the body that is wrong. */
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: number, message: string, more: { field?: string; retryAfterSeconds?: number } = {}) {
    super(message);
    this.code = code;
    this.field = more.field;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}
