/** Something is wrong with what was asked, and asking again does not help: what, where, and what is allowed. */
export class IdentityRefused extends Error {
  override name = 'IdentityRefused';
  /** The member of a request that is wrong. */
  readonly field: string;
  /** Not what was asked is wrong, but what there is already, or is not. */
  readonly isConflict: boolean;

  constructor(field: string, message: string, isConflict = false) {
    super(message);
    this.field = field;
    this.isConflict = isConflict;
  }
}
