/** A clock of the roles' processes that a test can set, by libfaketime (https://github.com/wolfcw/libfaketime). */
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Clock {
  env: NodeJS.ProcessEnv;
  /** Steps the clock of all running and later processes to so many seconds after (or, negative, before) the right time. */
  step(seconds: number): void;
}

const LIBRARIES = ['/usr/lib/*/faketime/libfaketimeMT.so.1', '/usr/lib/faketime/libfaketimeMT.so.1'];

/** Where the library is, if it is installed. */
export function faketimeLibrary(): string | null {
  return globSync(LIBRARIES).find((file) => existsSync(file)) ?? null;
}

/** @param folder gets the file by which the clock is set. null: not installed */
export function fakeClock(folder: string): Clock | null {
  const library = faketimeLibrary();
  if (library === null) return null;
  const file = join(folder, 'clock');
  const step = (seconds: number): void => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}s`);
  step(0);
  // Only what people call the time is stepped: a monotonic clock cannot be set on a real machine either.
  const env = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
  return { env, step };
}
