/** Files into the registry: all of what they say, or nothing. */
import type { Pool } from 'pg';
import { type Changes, changeContent } from './content.ts';
import { readFiles } from './files.ts';
import { merged } from './merge.ts';
import type { TableName } from './tables.ts';

export interface ImportOptions {
  /** The files are all of it: what they do not name is removed. */
  whole: boolean;
  /** All is done, and taken back. */
  dryRun: boolean;
}

/**
 * @param paths files, folders, or `-` for YAML on standard input
 * @returns what was changed, by table
 * @throws RegistryError with all that is wrong with the files, and nothing is changed then; errors of the database
 */
export async function importFiles(
  database: Pool,
  paths: readonly string[],
  { whole, dryRun }: ImportOptions,
): Promise<Record<TableName, Changes>> {
  const { entries, problems } = await readFiles(paths);
  return changeContent(database, (now) => merged(now, entries, problems, whole), dryRun);
}
