/** For tests: the command as a user runs it, in a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const SCRIPT = fileURLToPath(new URL('../bin/millrace.ts', import.meta.url));

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  pid: number;
  /** What it has written so far, both streams. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Stops reading its standard output. */
  closeOutput(): void;
  ended: Promise<Ran>;
}

export function startMillrace(words: readonly string[], env: Record<string, string> = {}, cwd?: string): Running {
  const child = spawn(process.execPath, [SCRIPT, ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  }
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...written }));
  });
  return {
    pid: Number(child.pid),
    output: () => written.stdout + written.stderr,
    closeOutput: () => void child.stdout.destroy(),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

export function millrace(words: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<Ran> {
  return startMillrace(words, env, cwd).ended;
}
