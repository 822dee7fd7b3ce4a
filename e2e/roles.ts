/** The processes of the roles: each comes back after its end, as under a supervisor or kubelet, until it is stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../services/cli/bin/millrace.ts', import.meta.url));
const RESTART_AFTER_MS = 200;

export const ROLES = ['producer', 'processor', 'sink'] as const;
export type RoleName = (typeof ROLES)[number];

export interface KeptRole {
  /** Of the process that runs, or ran last. */
  pid(): number;
  /** SIGKILL, also to a stopped process. Resolves when its successor is started. */
  kill(): Promise<void>;
  /** What all its processes have logged so far. */
  logged(): string;
  stop(): Promise<void>;
}

export interface RoleOptions {
  role: RoleName;
  /** From 0 in the order of starts: members of one group are told apart by it. */
  nth: number;
  pipelineFile: string;
  /** Gets the log. */
  folder: string;
  env: NodeJS.ProcessEnv;
}

export function keepRole({ role, nth, pipelineFile, folder, env }: RoleOptions): KeptRole {
  const logFile = join(folder, nth === 0 ? `${role}.log` : `${role}-${nth}.log`);
  const log = createWriteStream(logFile, { flags: 'a' });
  let stopping = false;
  let child: ChildProcess;
  let restarted = Promise.withResolvers<void>();
  let exited = Promise.resolve();

  function start(): void {
    const words = [CLI, 'run', '--role', role, pipelineFile];
    const started = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    started.stdout.pipe(log, { end: false });
    started.stderr.pipe(log, { end: false });
    exited = new Promise((resolve) => started.once('exit', () => resolve()));
    restarted.resolve();
    restarted = Promise.withResolvers();
    void exited.then(() => {
      if (!stopping) setTimeout(() => !stopping && start(), RESTART_AFTER_MS);
    });
  }
  start();
  return {
    pid: () => child.pid ?? 0,
    kill: () => {
      const back = restarted.promise;
      child.kill('SIGKILL');
      return back;
    },
    logged: () => readFileSync(logFile, 'utf8'),
    stop: async () => {
      stopping = true;
      restarted.resolve(); // whoever killed it need not wait for a successor
      child.kill('SIGCONT'); // a stopped process takes no other signal
      child.kill('SIGTERM');
      await exited;
      log.end();
    },
  };
}
