/** Something is wrong with what was asked, and asking again does not help: what, where, and what is allowed. */
export class IdentityRefused extends Error {
  override name = 'IdentityRefused';
  /** The member of a request that is wrong. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}
