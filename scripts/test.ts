/** All checks and all tests, one after the other, whatever fails before; ends with the counts and an exit code that fits. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastLine, summarise, type VitestReport } from './summary.ts';

const commands = [
  { name: 'types', command: 'tsc', args: ['--noEmit'] },
  { name: 'lint and format', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'dead code', command: 'knip', args: ['--no-progress'] },
];

function run(name: string, command: string, args: string[]): number | null {
  process.stdout.write(`\n== ${name}: ${command} ${args.join(' ')}\n`);
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined) process.stdout.write(`${command} does not start: ${error.message}\n`);
  return status;
}

function readReport(file: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

const checks = commands.map(({ name, command, args }) => ({ name, ok: run(name, command, args) === 0 }));
const folder = mkdtempSync(join(tmpdir(), 'millrace-report-'));
const file = join(folder, 'vitest.json');
const exitCode = run('tests', 'vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
const summary = summarise(checks, exitCode, readReport(file));
rmSync(folder, { recursive: true });
process.stdout.write(`\n${summary.notes.map((note) => `${note}\n`).join('')}${lastLine(summary)}\n`);
process.exitCode = summary.failed === 0 ? 0 : 1;
