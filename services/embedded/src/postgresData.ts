/**
 * A data folder of PostgreSQL, with a random password of its own.
 * Invariant: `data` appears by one rename, initialised and with its database, or not at all.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from './child.ts';
import { type PostgresBinaries, runProgram } from './postgresBinaries.ts';
import type { SystemUser } from './postgresUser.ts';

export const databaseName = 'millrace';
export const userName = 'millrace';
const major = '17';

/** Makes `data` in a folder where it is missing, and gives the password of its user. */
export async function ensureData(
  folder: string,
  binaries: PostgresBinaries,
  user: SystemUser | undefined,
  sync: boolean,
): Promise<string> {
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  if (existsSync(data)) {
    const version = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
    if (version !== major)
      throw new Error(`${data} was made by PostgreSQL ${version}; this one is ${major} and does not read it`);
    const password = readIfThere(passwordFile).trim();
    if (password === '') throw new Error(`${passwordFile} is missing or empty: nobody can log in to the database in ${data}`);
    return password;
  }
  const password = randomBytes(24).toString('base64url');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const fresh = `${data}.new`;
  const lentPassword = `${passwordFile}.initdb`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(lentPassword, password, { mode: 0o600 });
  if (user !== undefined) {
    // The user passes through the folder to its own subfolder and sees nothing else of it.
    chmodSync(folder, 0o711);
    for (const path of [fresh, lentPassword]) chownSync(path, user.uid, user.gid);
  }
  try {
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const access = [`--username=${userName}`, `--pwfile=${lentPassword}`, '--auth=scram-sha-256'];
    await runProgram(binaries.initdb, ['-D', fresh, ...access, ...locale, ...(sync ? [] : ['--no-sync'])], user);
    await runProgram(
      binaries.postgres,
      ['--single', '-D', fresh, '-c', 'exit_on_error=on', 'postgres'],
      user,
      `CREATE DATABASE ${databaseName}\n`,
    );
  } finally {
    rmSync(lentPassword, { force: true });
  }
  renameSync(fresh, data);
  return password;
}
