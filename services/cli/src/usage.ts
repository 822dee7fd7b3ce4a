/** Something is wrong with what the user wrote, on the command line or in a specification: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The command ran and what it found is bad; the message was printed already where it is empty: exit code 1. */
export class Failure extends Error {
  override name = 'Failure';
}
