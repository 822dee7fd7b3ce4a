/**
 * A timer for what the sink does beside storing (`maintenanceTasks.ts` says what).
 *
 * Invariants: one task at a time, and no more than a fifth of the time spent on them, so that storing goes first; a
 * failure is logged, counted and tried again; nothing runs after `stop` has resolved.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@millrace/core/log.ts';
import type { SinkMetrics } from './metrics.ts';

const FIRST_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Pause after a task: this many times what it took. */
const REST_FACTOR = 4;
const MAX_FAILURE_FACTOR = 30;

export interface Task {
  name: 'refresh' | 'retention' | 'ledger' | 'audit' | 'latest';
  /** Wait before the first run; default: a second. */
  firstMs?: number;
  /** Shortest pause between two runs that had nothing left to do. */
  everyMs: number;
  /** Does a bounded piece of work; true: there is more of it. Ends soon when the signal is aborted. */
  run(signal: AbortSignal): Promise<boolean>;
}

/** Milliseconds until the next run of a task. @param failures in a row */
export function pauseMs(tookMs: number, hasMore: boolean, failures: number, everyMs: number): number {
  const rest = tookMs * REST_FACTOR;
  const atLeast = failures > 0 ? FIRST_MS * Math.min(2 ** failures, MAX_FAILURE_FACTOR) : hasMore ? 0 : everyMs;
  return Math.max(atLeast, Math.min(rest, LONGEST_PAUSE_MS));
}

export interface Maintenance {
  /** Cuts a task that is running short, starts no other. */
  stop(): Promise<void>;
}

export function maintain(pipeline: string, tasks: readonly Task[], metrics: SinkMetrics, log: Logger): Maintenance {
  const stopping = new AbortController();
  const due = tasks.map((task) => ({ task, atMs: performance.now() + (task.firstMs ?? FIRST_MS), failures: 0 }));

  async function run(entry: (typeof due)[number]): Promise<void> {
    const { task } = entry;
    const startedMs = performance.now();
    let hasMore = false;
    try {
      hasMore = await task.run(stopping.signal);
      if (entry.failures > 0) log.info({ task: task.name }, 'maintenance goes on');
      entry.failures = 0;
    } catch (error) {
      if (stopping.signal.aborted) return;
      entry.failures += 1;
      metrics.maintenanceFailures.inc({ pipeline, task: task.name });
      if (entry.failures === 1) log.error({ err: error, task: task.name }, 'maintenance failed and is tried again');
    }
    const nowMs = performance.now();
    entry.atMs = nowMs + pauseMs(nowMs - startedMs, hasMore, entry.failures, task.everyMs);
  }

  async function loop(): Promise<void> {
    for (;;) {
      const next = due.reduce((first, entry) => (entry.atMs < first.atMs ? entry : first));
      // An abort ends the wait, nothing else can.
      await sleep(Math.max(0, next.atMs - performance.now()), undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await run(next);
    }
  }

  const ended = due.length === 0 ? Promise.resolve() : loop();
  return {
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
