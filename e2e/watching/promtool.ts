/** Prometheus' own tool for rules and expressions, from Debian's package `prometheus`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** @param files by name; {folder} in words is where they are @returns what promtool says where it fails, else '' */
export function promtool(files: Readonly<Record<string, string>>, ...words: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-promtool-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const { status, stdout, stderr } = spawnSync('promtool', words, { cwd: folder, encoding: 'utf8' });
    return status === 0 ? '' : `${stdout}${stderr}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
