/**
 * The folder of an embedded server: one owner at a time, and nothing left behind by an owner that was killed.
 * A temporary folder whose owner is dead is emptied by the next start of anyone (the same user's), its server ended first.
 */
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { claim } from './claim.ts';

export interface OwnedFolder {
  path: string;
  temporary: boolean;
  /** Gives the folder up; a temporary one is removed. */
  close(): Promise<void>;
}

/** Ends whatever servers an earlier owner left in a folder. */
export type EndOrphans = (folder: string) => Promise<void>;

/** Takes a folder for this process. Throws when a living process has it. `kind` names temporary folders. */
export async function ownFolder(kind: string, folder: string | undefined, endOrphans: EndOrphans): Promise<OwnedFolder> {
  if (folder === undefined) await sweep(kind, endOrphans);
  const path = folder === undefined ? await mkdtemp(join(tmpdir(), `${kind}-`)) : resolve(folder);
  await mkdir(path, { recursive: true });
  const got = await claim(join(path, 'owner.json'));
  if (typeof got !== 'function') throw new Error(`${path} is in use by process ${got.pid}, which still runs`);
  const temporary = folder === undefined;
  try {
    await endOrphans(path);
  } catch (error) {
    got();
    throw error;
  }
  return {
    path,
    temporary,
    close: async () => {
      if (temporary) await rm(path, { recursive: true, force: true, maxRetries: 5 });
      else got();
    },
  };
}

async function sweep(kind: string, endOrphans: EndOrphans): Promise<void> {
  const names = await readdir(tmpdir());
  for (const name of names.filter((each) => each.startsWith(`${kind}-`))) {
    const path = join(tmpdir(), name);
    try {
      await sweepOne(path, endOrphans);
    } catch (error) {
      // Gone meanwhile: someone else swept it. Anything else costs disk, but not this start.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        process.stderr.write(`could not clear ${path}: ${(error as Error).message}\n`);
    }
  }
}

async function sweepOne(path: string, endOrphans: EndOrphans): Promise<void> {
  if ((await stat(path)).uid !== process.getuid?.()) return;
  // A folder without an owner may be in the making this very moment.
  await stat(join(path, 'owner.json'));
  const got = await claim(join(path, 'owner.json'));
  if (typeof got !== 'function') return;
  await endOrphans(path);
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}
