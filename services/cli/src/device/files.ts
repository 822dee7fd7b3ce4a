/**
 * Files of devices.
 *
 * Invariants: a private key is readable by its owner alone from its first byte on; no file that is there is written over but the
 * list of revoked certificates, and that one is always whole for who reads it.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../usage.ts';

export interface DeviceFiles {
  certificate: string;
  key: string;
}

export function filesOf(folder: string, device: string): DeviceFiles {
  return { certificate: join(folder, `${device}.crt`), key: join(folder, `${device}.key`) };
}

/**
 * Writes the key first, then asks for the certificate: one that is recorded is never without its key. What was written is removed
 * where it is refused.
 * @param key PEM; null: the device has its own @throws UsageError where a file is there already
 */
export async function writeDevice(files: DeviceFiles, key: string | null, sign: () => Promise<string>): Promise<void> {
  // Taken before it is signed, so that no certificate is recorded that nobody can be given.
  await create(files.certificate, '', 0o644);
  const written = [files.certificate];
  try {
    if (key !== null) {
      await create(files.key, key, 0o600);
      written.push(files.key);
    }
    await writeFile(files.certificate, await sign());
  } catch (error) {
    for (const file of written) await rm(file, { force: true });
    throw error;
  }
}

/** For a broker that may read it at any moment. */
export async function publishCrl(file: string, pem: string): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  try {
    await writeFile(unfinished, pem);
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function create(file: string, content: string, mode: number): Promise<void> {
  try {
    await writeFile(file, content, { mode, flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new UsageError(`${file} is there already; give another folder by --out`, { cause: error });
    throw new UsageError(`${file} cannot be written: ${message}`, { cause: error });
  }
}
