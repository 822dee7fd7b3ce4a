import { execFile } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Platform } from '../platform.ts';
import { type Fault, nothing } from './fault.ts';
import { until } from './until.ts';

/** Rows stored between the copy and the way back, at least. */
const ROWS_BETWEEN = 200;
const STORED_WITHIN_MS = 60_000;

const run = promisify(execFile);

/**
 * Puts the database back to an earlier state under living sinks, as a failover to an old replica or a restored backup does:
 * stopped in order and copied; later, when more is stored, killed and started on the copy.
 */
export const restoreDatabase: Fault = {
  name: 'restore database',
  target: 'database',
  lacks: nothing,
  async happen(platform, random) {
    const copy = await copyDatabase(platform);
    const before = await storedRows(platform, 0);
    const after = await storedRows(platform, before + random.int(ROWS_BETWEEN, 5 * ROWS_BETWEEN));
    await restoreCopy(platform, copy);
    return `from ${after} back to at most ${before} rows`;
  },
};

/** Stops the database in order, copies its data, and starts it again. @returns the folder of the copy */
export async function copyDatabase({ server, folder }: Pick<Platform, 'server' | 'folder'>): Promise<string> {
  const copy = join(folder, 'database-copy');
  server.kill('SIGINT');
  await server.exited;
  await copyFolder(join(server.folder, 'data'), copy);
  await server.start();
  return copy;
}

/** Kills the database and starts it on a copy of its data. */
export async function restoreCopy({ server }: Pick<Platform, 'server'>, copy: string): Promise<void> {
  const data = join(server.folder, 'data');
  const gone = `${data}.gone`; // sessions that have not noticed the kill yet write on there
  server.kill('SIGKILL');
  await server.exited;
  await rename(data, gone);
  await copyFolder(copy, data);
  await server.start();
  await rm(gone, { recursive: true, force: true });
}

/** With owners and rights, which PostgreSQL looks at. */
async function copyFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await run('cp', ['-a', from, to], { timeout: 60_000 });
}

/** Waits until the table has so many rows; answers how many it has. */
async function storedRows({ database, loaded }: Platform, least: number): Promise<number> {
  const { name } = loaded.pipeline.spec.table;
  let stored = 0;
  await until(`${least} rows are stored`, STORED_WITHIN_MS, async () => {
    const { rows } = await database.query<{ n: string }>(`select count(*)::text as n from "default"."${name}"`);
    stored = Number(rows[0]?.n);
    return stored >= least;
  });
  return stored;
}
