/**
 * The folder that is shared with the program beside. A file is named after its ConfigMap and its key there, so that two
 * ConfigMaps never meet, and what is left of one that is gone can be told.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In no name of a ConfigMap. */
const BETWEEN = '__';
/** Of a file that is being written; no program reads names that begin like this. */
const UNFINISHED = '.';

export type Files = Readonly<Record<string, string>>;

export interface Folder {
  /** Names of the ConfigMaps of which there are files. */
  names(): Set<string>;
  /** Makes the files of a ConfigMap these, each whole or not at all; none: removes them. @returns those from before */
  put(name: string, files: Files): Files;
}

export function openFolder(path: string): Folder {
  const all = (): string[] => readdirSync(path).filter((file) => file.includes(BETWEEN) && !file.startsWith(UNFINISHED));
  return {
    names: () => new Set(all().map((file) => file.slice(0, file.indexOf(BETWEEN)))),
    put(name, files) {
      const begin = `${name}${BETWEEN}`;
      const before: Record<string, string> = {};
      for (const file of all())
        if (file.startsWith(begin)) before[file.slice(begin.length)] = readFileSync(join(path, file), 'utf8');
      for (const [key, content] of Object.entries(files)) {
        const unfinished = join(path, `${UNFINISHED}${begin}${key}`);
        writeFileSync(unfinished, content);
        renameSync(unfinished, join(path, `${begin}${key}`));
      }
      for (const key of Object.keys(before)) if (!(key in files)) rmSync(join(path, `${begin}${key}`));
      return before;
    },
  };
}
