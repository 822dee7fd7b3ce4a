/** A small file system in memory that can be filled: what a full disk does to a server that stands on it. */
import { execFile } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SmallDisk {
  path: string;
  /** Takes all that is free. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  unmount(): Promise<void>;
}

/** Mounts it at `path`, which it makes; null where this system does not let us. */
export async function mountSmallDisk(path: string, megabytes: number): Promise<SmallDisk | null> {
  mkdirSync(path, { recursive: true });
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', path], { timeout: 10_000 });
  } catch {
    return null; // no root, or no such rights: who needs it says that it was left out
  }
  chmodSync(dirname(path), 0o755); // another user runs the server
  const ballast = join(path, 'ballast');
  return {
    path,
    fill: () => fillWith(ballast),
    free: () => rmSync(ballast, { force: true }),
    unmount: async () => {
      await run('umount', ['-l', path], { timeout: 10_000 });
    },
  };
}

/** In ever smaller pieces, until not a byte is left. */
function fillWith(file: string): void {
  const to = openSync(file, 'a');
  try {
    for (let bytes = 1 << 20; bytes >= 1; bytes >>= 1) {
      const piece = Buffer.alloc(bytes, 1);
      while (wasWritten(to, piece));
    }
  } finally {
    closeSync(to);
  }
}

function wasWritten(to: number, piece: Buffer): boolean {
  try {
    return writeSync(to, piece) === piece.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
