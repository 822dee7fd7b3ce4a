/**
 * The file with a broker's loaded classes (AppCDS) that makes its JVM start in half the time.
 *
 * Invariants:
 * - The JVM passes over an archive that does not fit (another Java, moved jars, garbage, an empty file), but dies by SIGBUS
 *   of one that was cut short: so the name says its length in bytes, and only a file of that length is used.
 * - It is on the disk before it gets its name, and gets it by one rename.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The archive for what `parts` say (Java, jars); undefined where there is none to be used. */
export function findArchive(folder: string, parts: readonly string[]): string | undefined {
  const prefix = prefixOf(parts);
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix));
  const whole = names.find(
    (name) => /\.\d+\.jsa$/.test(name) && statSync(join(folder, name)).size === Number(name.split('.').at(-2)),
  );
  return whole === undefined ? undefined : join(folder, whole);
}

/** Gives a fresh archive its name. Without one, an empty file keeps later starts from trying again. */
export function keepArchive(folder: string, parts: readonly string[], fresh: string | undefined): void {
  const prefix = prefixOf(parts);
  for (const name of readdirSync(folder).filter((each) => each.startsWith(prefix))) rmSync(join(folder, name));
  if (fresh === undefined) {
    writeFileSync(join(folder, `${prefix}0.jsa`), '');
    return;
  }
  const file = openSync(fresh, 'r');
  fsyncSync(file);
  closeSync(file);
  renameSync(fresh, join(folder, `${prefix}${statSync(fresh).size}.jsa`));
}

function prefixOf(parts: readonly string[]): string {
  return `classes-${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)}.`;
}
