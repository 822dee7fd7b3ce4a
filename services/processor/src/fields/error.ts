/** Why a field is refused. The message says what is allowed; `field.ts` puts name and value before it. */
export class FieldError extends Error {
  override name = 'FieldError';
  /** `missing`, `type`, `time`, `range` or `enum`. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}
