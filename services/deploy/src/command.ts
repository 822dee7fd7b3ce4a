/** Runs a program and takes what it prints; for kubectl and the tools around images. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  /** Standard input. */
  input?: string;
  env?: NodeJS.ProcessEnv;
  /** Ended after this time; what it had to do may take minutes (a build) or must not (a question). */
  withinMs: number;
  /** Shown as it comes, for what takes long. */
  show?(line: string): void;
}

export class CommandFailed extends Error {
  override name = 'CommandFailed';
  readonly stderr: string;
  /** There is no such program. */
  readonly missing: boolean;

  constructor(message: string, stderr: string, missing = false) {
    super(message);
    this.stderr = stderr;
    this.missing = missing;
  }
}

/** @returns standard output @throws CommandFailed with the command and what it said on standard error */
export function run(words: readonly string[], { input, env = process.env, withinMs, show }: RunOptions): Promise<string> {
  const [program = '', ...rest] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { env, stdio: ['pipe', 'pipe', 'pipe'], timeout: withinMs, killSignal: 'SIGKILL' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      err.push(chunk);
      for (const line of chunk.toString('utf8').split('\n')) if (line.trim()) show?.(line.trimEnd());
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT';
      reject(
        new CommandFailed(missing ? `${program} is not installed` : `${program} cannot be run: ${error.message}`, '', missing),
      );
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out).toString('utf8'));
      const said = Buffer.concat(err).toString('utf8').trim();
      const how = signal ? `did not end within ${withinMs / 1_000} s` : `ended with code ${code}`;
      reject(new CommandFailed(`${words.slice(0, 6).join(' ')} ${how}: ${said.slice(-2_000)}`, said));
    });
    // A program that ends without reading its input says so by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}
