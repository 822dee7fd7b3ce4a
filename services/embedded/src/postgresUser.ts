/**
 * Whom PostgreSQL runs as. It refuses to run as root, so root lends it another user of the system: `postgres` where
 * there is one, else `nobody`. No user is created. That user may be unable to reach a folder below, say, /root:
 * what PostgreSQL needs then stands under /var/lib/millrace.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export interface SystemUser {
  name: string;
  uid: number;
  gid: number;
}

const reachable = '/var/lib/millrace';

/** The user that root lends to PostgreSQL; undefined for a plain user, who runs it as oneself. */
export function lentUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe', timeout: 10_000 }));
      return { name, uid: id('-u'), gid: id('-g') };
    } catch {
      // No such user: the next one.
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and this system has neither a user "postgres" nor "nobody"; run as a plain user',
  );
}

/** Whether the user can enter or read what stands at a path. */
export function canReach(user: SystemUser, path: string): boolean {
  const { uid, gid } = user;
  const { status } = spawnSync('/bin/sh', ['-c', 'test -r "$0" || test -x "$0"', path], { uid, gid, cwd: '/', timeout: 10_000 });
  return status === 0;
}

/** A place that every user can reach, the same one for the same path. */
export function reachablePlace(kind: string, path: string): string {
  return join(reachable, `${kind}-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`);
}
