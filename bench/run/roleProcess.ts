/**
 * One role in a process of its own, as a cluster starts it (`millrace run --role`). It is not started again when it ends:
 * a role that dies while it is measured is an error of the run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { WorkerHealth } from '@millrace/core/role/role.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { type Usage, usageOf } from './usage.ts';

const CLI = fileURLToPath(new URL('../../services/cli/bin/millrace.ts', import.meta.url));
const GRACE_MS = 30_000;
const READY_WITHIN_MS = 60_000;
/** What the sink and the processor say of a Pipeline all of whose partitions are being read. */
const READING = /^reading( \d+ partitions)?$/;

export const ROLES = ['producer', 'processor', 'sink'] as const;
export type RoleName = (typeof ROLES)[number];

export interface MeasuredProcess {
  pid: number;
  usage(): Usage;
  /** Throws with the last lines of its log when the process has ended by itself. */
  mustRun(): void;
  /** SIGTERM, and SIGKILL when it does not drain. */
  stop(): Promise<void>;
}

/** Whoever ends this process must not leave them behind. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** Starts a command whose output goes into `<folder>/<name>.log`. */
export function startProcess(
  name: string,
  command: string,
  args: readonly string[],
  { folder, env }: { folder: string; env: NodeJS.ProcessEnv },
): MeasuredProcess {
  const logFile = join(folder, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { env, stdio: ['ignore', log, log] });
  closeSync(log);
  living.add(child);
  let ended: string | null = null;
  const exited = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      ended = how;
      living.delete(child);
      resolve();
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  });
  const mustRun = (): void => {
    if (ended === null) return;
    const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
    throw new Error(`the ${name} ended while it was measured (${ended}):\n${tail}`);
  };
  const pid = child.pid ?? 0;
  return {
    pid,
    mustRun,
    usage: () => {
      mustRun();
      return usageOf(pid);
    },
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

export interface RoleTarget {
  brokers: readonly string[];
  databaseUrl: string;
  /** Pipeline files. */
  files: readonly string[];
  folder: string;
}

/** @param words further options of `millrace run --role` */
export function startRole(
  role: RoleName,
  { brokers, databaseUrl, files, folder }: RoleTarget,
  words: string[] = [],
): MeasuredProcess {
  const env = { ...process.env, MILLRACE_KAFKA: brokers.join(','), MILLRACE_DATABASE: databaseUrl };
  return startProcess(role, process.execPath, [CLI, 'run', '--role', role, ...words, ...files], { folder, env });
}

/** Starts a role that reads a topic; resolves when it has its partitions and reads them. @throws Error when it ends, or after a minute */
export async function startReading(role: Exclude<RoleName, 'producer'>, target: RoleTarget): Promise<MeasuredProcess> {
  const [port = 0] = await freePorts(1);
  const started = startRole(role, target, ['--port', String(port)]);
  try {
    for (const endMs = performance.now() + READY_WITHIN_MS; !(await isReading(port)); await sleep(50)) {
      started.mustRun();
      if (performance.now() > endMs) throw new Error(`the ${role} did not read within ${READY_WITHIN_MS / 1000} s`);
    }
    return started;
  } catch (error) {
    await started.stop();
    throw error;
  }
}

async function isReading(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
    const { pipelines } = (await answer.json()) as { pipelines: Record<string, WorkerHealth> };
    const states = Object.values(pipelines).map(({ state }) => state);
    return states.length > 0 && states.every((state) => READING.test(state));
  } catch {
    return false; // it does not listen yet; when it has ended, the caller says so
  }
}
