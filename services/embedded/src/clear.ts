/**
 * Removes a folder with all that was fetched and stored there, and what stands elsewhere because PostgreSQL's user could not
 * reach the folder. Servers whose owner is dead are ended first; a living owner is left alone, and so is everything.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { endOrphan, readIfThere } from './child.ts';
import { claim } from './claim.ts';

/** Throws, with nothing removed, when a server anywhere in the folder is in use by a living process. */
export async function clearFolder(top: string): Promise<void> {
  if (!existsSync(top)) return;
  const files = readdirSync(top, { recursive: true, encoding: 'utf8' }).map((name) => join(top, name));
  const moved = named(files, 'moved-to').map((file) => readIfThere(file).trim());
  const elsewhere = moved.filter((folder) => existsSync(folder));
  const owned = [...named(files, 'owner.json').map((file) => dirname(file)), ...elsewhere];
  const claims = await Promise.all(owned.map(async (folder) => ({ folder, got: await claim(join(folder, 'owner.json')) })));
  for (const { folder, got } of claims) {
    if (typeof got === 'function') continue;
    for (const other of claims) if (typeof other.got === 'function') other.got();
    throw new Error(`${folder} is in use by process ${got.pid}: end that one first; nothing was removed`);
  }
  const servers = named([...files, ...elsewhere.map((folder) => join(folder, 'process.json'))], 'process.json');
  // To Kafka and PostgreSQL alike an order to end soon and in order.
  await Promise.all(servers.map((file) => endOrphan(dirname(file), 'SIGINT', 10_000)));
  for (const folder of [...elsewhere, top]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function named(files: readonly string[], name: string): string[] {
  return files.filter((file) => file.endsWith(`/${name}`));
}
