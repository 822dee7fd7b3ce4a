/**
 * When the source took a record (header `received-at`, milliseconds since 1970), where the path `$received` of a spec reaches it: for devices
 * that tell no time of their own. It was written once, before the raw topic: a row made again has the same.
 *
 * Invariant: what a payload has under that name does not count.
 */
import { RECEIVED_AT_HEADER } from './raw.ts';

export const RECEIVED_PATH = '$received';

/** The member that such a path reads; null: no path does. */
export function receivedMemberOf(
  paths: readonly string[],
): ((headers: Readonly<Record<string, Buffer>>) => Record<string, string | undefined>) | null {
  if (!paths.includes(RECEIVED_PATH)) return null;
  return (headers) => ({ [RECEIVED_PATH]: headers[RECEIVED_AT_HEADER]?.toString() });
}
