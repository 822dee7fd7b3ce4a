/** Something is wrong with what the user wrote, on the command line or in a specification: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The command has said all that is to be said and ends with this code, which is not 0. */
export class Exit extends Error {
  override name = 'Exit';
  readonly code: number;

  constructor(code: number) {
    super(`exit code ${code}`);
    this.code = code;
  }
}
