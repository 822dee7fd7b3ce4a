/**
 * A role in a process of its own, as a worker that `keepRunning` starts again when it ends unasked.
 *
 * Invariants:
 * - The child is the leader of its own process group: Ctrl-C in the terminal reaches only the supervisor, which drains the
 *   roles in flow order.
 * - The child holds one end of an IPC channel. It drains by itself when the other end is gone, so that a supervisor that was
 *   killed leaves nothing behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Worker, WorkerHealth } from '@millrace/core/role/role.ts';

/** Longer than any role needs to drain. */
const GRACE_MS = 30_000;

/** Whoever ends this process without stopping them must not leave them behind; killing a role loses nothing. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export interface ChildOptions {
  name: string;
  /** Of Node: script and arguments. */
  arguments: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Standard output and error are appended to it. */
  logFile: string;
  /** Tells people what happens to the process. */
  say(line: string): void;
}

/** Starts the process; resolves when it runs. @throws Error when it cannot be started. */
export async function startChild(options: ChildOptions): Promise<Worker & { pid: number }> {
  const { name, env, logFile, say } = options;
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [...options.arguments], { env, detached: true, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  living.add(child);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      living.delete(child);
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      living.delete(child);
      reject(new Error(`cannot start the ${name}: ${cause.message}`, { cause }));
    });
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`the ${name} has no process id after it started`);
  let state: WorkerHealth = { ready: true, phase: 'running', state: `running, process ${pid}` };
  let stopping = false;
  const failed = ended.then((how) => {
    if (stopping) return new Promise<never>(() => undefined); // asked for: not a failure
    state = { ready: false, phase: 'failed', state: how };
    say(`the ${name} (process ${pid}) ${how}; it is started again. Its log: ${logFile}`);
    return new Error(`the ${name} (process ${pid}) ${how}`);
  });
  return {
    pid,
    failed,
    health: () => state,
    stop: async () => {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const deadline = setTimeout(() => {
        say(`the ${name} (process ${pid}) did not drain within ${GRACE_MS / 1_000} s and is killed`);
        child.kill('SIGKILL');
      }, GRACE_MS);
      await ended;
      clearTimeout(deadline);
    },
  };
}
