/**
 * One process at a time: a file that names its holder.
 *
 * Invariants:
 * - The file appears by an atomic link, whole, and only where there was none: one of several claimants wins.
 * - A claim whose holder is dead is replaced only under a marker (a hard link to that very file, checked after linking),
 *   so that two who see the same dead holder cannot both take its place, nor throw out the successor.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity, parseIdentity } from './identity.ts';

/** Ends the claim; safe to call twice. */
export type Release = () => void;

let claims = 0;

/** Takes the claim, or gives its living holder (which may be this process). Throws what the file system refuses. */
export async function claim(file: string): Promise<Release | ProcessIdentity> {
  const self = identify(process.pid);
  if (self === undefined) throw new Error(`cannot claim ${file}: this process finds no start time of its own`);
  claims += 1;
  const text = `${JSON.stringify({ ...self, claim: claims })}\n`;
  const mine = `${file}.${process.pid}.${claims}.tmp`;
  writeFileSync(mine, text, { mode: 0o600 });
  try {
    for (;;) {
      if (link(mine, file)) return release(file, text);
      const held = read(file);
      if (held === undefined) continue;
      const holder = parseIdentity(held);
      if (holder !== undefined && isAlive(holder)) return holder;
      if (replaceDead(file, held, mine)) return release(file, text);
      await delay(5);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * Takes the claim, waiting at most `timeoutMs` for living holders, with a look every `everyMs`; `onWait` is told once of whom.
 * Throws when the time is over.
 */
export async function waitForClaim(
  file: string,
  timeoutMs: number,
  onWait: (holder: ProcessIdentity) => void,
  everyMs = 100,
): Promise<Release> {
  const end = Date.now() + timeoutMs;
  for (let told = false; ; await delay(everyMs)) {
    const got = await claim(file);
    if (typeof got === 'function') return got;
    if (Date.now() >= end) throw new Error(`${file} has been held by process ${got.pid} for over ${timeoutMs / 1000} s`);
    if (!told) onWait(got);
    told = true;
  }
}

function release(file: string, text: string): Release {
  return () => {
    if (read(file) === text) rmSync(file, { force: true });
  };
}

function replaceDead(file: string, held: string, mine: string): boolean {
  const marker = `${file}.dead`;
  if (!link(file, marker)) {
    // Held for microseconds by whom replaces it; left for good only by one who was killed in just these.
    const age = Date.now() - (statSync(marker, { throwIfNoEntry: false })?.ctimeMs ?? Date.now());
    if (age > 10_000) rmSync(marker, { force: true });
    return false;
  }
  try {
    if (read(marker) !== held) return false;
    renameSync(mine, file);
    return true;
  } finally {
    rmSync(marker, { force: true });
  }
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' || (code === 'ENOENT' && to.endsWith('.dead'))) return false;
    throw error;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
