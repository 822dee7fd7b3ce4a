/** Who may send to a source of HTTP, by `spec.source.http.auth`. */
import { join } from 'node:path';
import { bearersOf } from '@millrace/core/http/tokens.ts';
import type { Http } from '@millrace/core/spec/source.ts';

/** Refuses with 401 where there is no token, with 403 for a wrong one. */
export type Authorize = (header: string | undefined) => void;

/**
 * The Secret is looked at once now.
 * @throws Error naming the file or folder that cannot be used, never what is in it
 */
export function authorizer(auth: Http['auth'], secrets: string | null): Authorize {
  if (auth?.open) return () => undefined;
  const ref = auth?.secretRef;
  if (!ref) throw new Error('spec.source.http.auth says not who may send; allowed is secretRef, or open: true');
  if (secrets === null)
    throw new Error(
      `spec.source.http.auth.secretRef names the Secret ${ref.name}, and no folder of Secrets is given; give it by --secrets (or MILLRACE_SECRETS): it holds ${ref.name}/${ref.key ?? 'token'}, a file with the token`,
    );
  return bearersOf(join(secrets, ref.name), ref.key);
}
