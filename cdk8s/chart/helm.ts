/** The real helm, where there is one: what `scripts/helm/fetch` has put into .tools, or one in PATH. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const FETCHED = join(ROOT, '.tools/helm/helm');
const WITHIN_MS = 60_000;

export const CHART = join(ROOT, 'charts/millrace');

/** The program; null where there is none. */
export function findHelm(): string | null {
  if (existsSync(FETCHED)) return FETCHED;
  return spawnSync('helm', ['version'], { timeout: WITHIN_MS }).status === 0 ? 'helm' : null;
}

/** Runs it without a cluster. @param input what it reads from `-` */
export function helm(program: string, words: readonly string[], input = ''): { ok: boolean; stdout: string; stderr: string } {
  const { status, stdout, stderr, error } = spawnSync(program, words, { input, encoding: 'utf8', timeout: WITHIN_MS });
  if (error) throw error;
  return { ok: status === 0, stdout, stderr };
}
