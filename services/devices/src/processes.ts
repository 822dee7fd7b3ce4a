/** Programs of the same pod, where its containers share their processes. */
import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of a program by its name, as Linux has it in /proc (proc(5), comm). */
export function processesOf(name: string, proc = '/proc'): number[] {
  return readdirSync(proc)
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => nameOf(`${proc}/${entry}/comm`) === name)
    .map(Number);
}

/** null: it has ended meanwhile. */
function nameOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trimEnd();
  } catch {
    return null;
  }
}
