/**
 * A server as a child process.
 *
 * Invariants:
 * - Its identity is in `process.json` from the moment it runs, so that a later start finds it when this process is killed.
 * - Its output goes to a file of its own, never through a pipe: it outlives this process without a SIGPIPE.
 * - It is in a process group of its own: Ctrl-C reaches this process alone, which then stops servers in order.
 * - When this process exits without stop(), it is ended too (where an exit handler can still run).
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, parseIdentity } from './identity.ts';

export interface ChildPlan {
  /** For messages: `Kafka node 1`. */
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** Gets `process.json`. */
  folder: string;
  /** Gets what the process prints, anew at each start. */
  outFile: string;
  user?: { uid: number; gid: number };
  isReady: (pid: number) => boolean;
  readyTimeoutMs: number;
  /** The files whose ends explain a death. */
  logs: string[];
  /** What it gets when this process exits without having ended it. */
  lastSignal: NodeJS.Signals;
}

export interface Child {
  pid: number;
  /** Resolves when it ended, with how: `exit code 1` or `signal SIGKILL`. */
  exited: Promise<string>;
  /** The same, once it has. */
  ended: string | undefined;
  kill(signal: NodeJS.Signals): void;
}

const living = new Map<Child, NodeJS.Signals>();
process.on('exit', () => {
  for (const [child, signal] of living) child.kill(signal);
});

/** Starts a server. Throws when the command cannot be started at all. */
export function spawnChild(plan: ChildPlan): Child {
  const out = openSync(plan.outFile, 'w', 0o600);
  const spawned = spawn(plan.command, plan.args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', out, out],
    ...(plan.env === undefined ? {} : { env: plan.env }),
    ...plan.user,
  });
  closeSync(out);
  const { pid } = spawned;
  const exited = new Promise<string>((resolve) => {
    spawned.once('error', (error) => resolve(error.message));
    spawned.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  if (pid === undefined) throw new Error(`${plan.name} does not start: ${plan.command} is missing or cannot be run`);
  writeFileSync(join(plan.folder, 'process.json'), `${JSON.stringify(identify(pid) ?? {})}\n`, { mode: 0o600 });
  const child: Child = { pid, exited, ended: undefined, kill: (signal) => void spawned.kill(signal) };
  living.set(child, plan.lastSignal);
  void exited.then((how) => {
    child.ended = how;
    living.delete(child);
  });
  return child;
}

/** Waits until a server is ready. Throws with its last log lines when it ends, or takes too long (it is killed then). */
export async function whenReady(child: Child, plan: ChildPlan): Promise<void> {
  for (const end = Date.now() + plan.readyTimeoutMs; !plan.isReady(child.pid); await delay(20)) {
    if (child.ended !== undefined)
      throw new Error(`${plan.name} ended before it was ready (${child.ended}):\n${lastLines(plan.logs)}`);
    if (Date.now() < end) continue;
    child.kill('SIGKILL');
    await child.exited;
    throw new Error(`${plan.name} was not ready within ${plan.readyTimeoutMs / 1000} s:\n${lastLines(plan.logs)}`);
  }
}

/** Ends a child: `signal`, and SIGKILL when that took longer than `patienceMs`. A stopped one (SIGSTOP) is continued first. */
export async function endChild(child: Child, signal: NodeJS.Signals, patienceMs: number): Promise<void> {
  child.kill(signal);
  child.kill('SIGCONT');
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await child.exited;
  clearTimeout(timer);
}

/** Ends the server that an earlier, now dead process left running in this folder, if it is still that very process. */
export async function endOrphan(folder: string, signal: NodeJS.Signals, patienceMs: number): Promise<void> {
  const orphan = parseIdentity(readIfThere(join(folder, 'process.json')));
  if (orphan === undefined) return;
  for (const [each, waitMs] of [[signal, patienceMs] as const, ['SIGKILL', 10_000] as const]) {
    if (!isAlive(orphan)) return;
    process.kill(orphan.pid, each);
    process.kill(orphan.pid, 'SIGCONT');
    for (const end = Date.now() + waitMs; isAlive(orphan) && Date.now() < end; ) await delay(20);
  }
  if (isAlive(orphan)) throw new Error(`process ${orphan.pid}, left over in ${folder}, does not end`);
}

/** A file's text, or nothing where there is no file. */
export function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function lastLines(files: readonly string[]): string {
  const lines = files.flatMap((file) => readIfThere(file).trimEnd().split('\n').slice(-12));
  return lines
    .filter((line) => line !== '')
    .map((line) => `  ${line.slice(0, 400)}`)
    .join('\n');
}
