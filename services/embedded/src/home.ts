/** Where fetched and generated things live: `.millrace` in the root of the repository, or what MILLRACE_HOME names. */
import { resolve } from 'node:path';

/** The folder for what is fetched once and kept between runs (absolute path; it need not exist yet). */
export function millraceHome(): string {
  const named = process.env.MILLRACE_HOME;
  return named === undefined || named === '' ? resolve(import.meta.dirname, '../../../.millrace') : resolve(named);
}
