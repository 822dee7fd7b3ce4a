/**
 * The roles of `millrace run`, in the order in which data flows: each is a process of its own, serving all Pipelines.
 *
 * Invariant: they are stopped in this order, one after the other, so that what one has sent the next still takes.
 */
import type { Logger } from '@millrace/core/log.ts';
import { keepRunning } from '@millrace/core/role/keepRunning.ts';
import type { Role, WorkerHealth } from '@millrace/core/role/role.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { startChild } from './child.ts';
import { isLimited, MEMORY_LIMITS, withMallocLimits } from './memory.ts';
import { ROLE_NAMES } from './roleTable.ts';

const ANSWER_MS = 2_000;

export interface RunningRole {
  name: Role['name'];
  /** Of /healthz, /readyz and /metrics. */
  port: number;
  logFile: string;
  /** What the role says of each Pipeline; where it does not answer, what its process does. */
  health(pipeline: string): Promise<WorkerHealth>;
  stop(): Promise<void>;
}

export interface RolesOptions {
  /** Options and files of `millrace run`, for the role's own process. */
  words: readonly string[];
  env: NodeJS.ProcessEnv;
  logFile(role: string): string;
  log: Logger;
  say(line: string): void;
}

/** Starts every role and keeps it running until it is stopped. */
export async function startRoles({ words, env, logFile, log, say }: RolesOptions): Promise<RunningRole[]> {
  const ports = await freePorts(ROLE_NAMES.length);
  const limits = isLimited([], env.NODE_OPTIONS) ? [] : MEMORY_LIMITS;
  const script = String(process.argv[1]); // of this very command line, as sources or bundled
  return ROLE_NAMES.map((name, index) => {
    const port = Number(ports[index]);
    const args = [...limits, script, 'run', '--role', name, '--port', String(port), ...words];
    const kept = keepRunning(
      () => startChild({ name, arguments: args, env: withMallocLimits(env), logFile: logFile(name), say }),
      log,
    );
    return {
      name,
      port,
      logFile: logFile(name),
      health: async (pipeline) => {
        const own = kept.health();
        const silent: WorkerHealth = own.ready ? { ready: false, phase: 'starting', state: 'does not answer yet' } : own;
        return (await askHealth(port))?.[pipeline] ?? silent;
      },
      stop: () => kept.stop(),
    };
  });
}

/** What a role says of its Pipelines; null where it does not answer (it is starting, or was killed). */
async function askHealth(port: number): Promise<Record<string, WorkerHealth> | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return ((await answer.json()) as { pipelines: Record<string, WorkerHealth> }).pipelines;
  } catch {
    return null; // the caller shows what its process does instead
  }
}
