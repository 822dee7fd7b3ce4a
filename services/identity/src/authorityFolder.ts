/**
 * The authority of devices as files: a Secret that Kubernetes mounts, or on a laptop a folder that is made at the first need.
 *
 * Invariants: the key is readable by its owner alone from its first byte on; a folder holds both files or neither, also when two
 * processes make it at the same time or one is killed; what is there is never replaced.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readPem } from '@millrace/core/secretFile.ts';
import { type Authority, makeDeviceAuthority, openAuthority } from './authority.ts';

const CERTIFICATE = 'tls.crt';
const KEY = 'tls.key';

/** @throws Error naming the file that is missing or cannot be used */
export function readAuthority(folder: string): Promise<Authority> {
  return openAuthority({ certificate: readPem(join(folder, CERTIFICATE)), key: readPem(join(folder, KEY)) });
}

/** The authority in this folder; a new one where there is no such folder. @throws Error as `readAuthority` */
export async function ensureAuthority(folder: string, now: Date): Promise<Authority> {
  if (existsSync(folder)) return readAuthority(folder);
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  const made = await mkdtemp(join(parent, '.authority-')); // mode 0700
  try {
    const { certificate, key } = await makeDeviceAuthority(now);
    await writeFile(join(made, KEY), key, { mode: 0o600, flag: 'wx' });
    await writeFile(join(made, CERTIFICATE), certificate, { flag: 'wx' });
    await rename(made, folder);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    // Somebody else was first.
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  return readAuthority(folder);
}
