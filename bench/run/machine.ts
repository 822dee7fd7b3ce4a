/** On what was measured: figures of two machines are not compared, and a version may explain a difference. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { findJava } from '@millrace/embedded/java.ts';
import { kafkaVersion } from '@millrace/embedded/kafkaJars.ts';

export interface Machine {
  cpu: string;
  cores: number;
  memoryGibibytes: number;
  system: string;
  node: string;
  java: string;
  kafka: string;
  postgresql: string;
  /** Of the sources; with a + where they were changed. Absent outside a checkout. */
  commit?: string;
  /** Over the last minute, before anything was started: what else ran. */
  loadBefore: number;
}

export async function describeMachine(postgresql: string, loadBefore: number): Promise<Machine> {
  const commit = commitOf();
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    java: (await findJava()).version,
    kafka: kafkaVersion,
    postgresql,
    ...(commit === null ? {} : { commit }),
    loadBefore,
  };
}

export function loadNow(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

function commitOf(): string | null {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe', timeout: 10_000 }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
  } catch {
    return null; // an unpacked archive has no history
  }
}
