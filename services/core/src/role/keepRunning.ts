/**
 * Keeps one Pipeline's worker running: starts it, and starts it again with back-off when it could not start or failed.
 *
 * Invariant: at most one worker of the Pipeline lives in this process at a time; the failed one is stopped first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { Worker, WorkerHealth } from './role.ts';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A worker that ran this long starts its back-off anew when it fails. */
const SETTLED_MS = 60_000;

/** Milliseconds to wait before start number `failures` (from 1) in a row. */
export function restartDelayMs(failures: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 10));
}

export interface KeptWorker {
  health(): WorkerHealth;
  /** Drains and ends the worker; no further start. */
  stop(): Promise<void>;
}

export function keepRunning(start: () => Promise<Worker>, log: Logger): KeptWorker {
  const stopping = new AbortController();
  let worker: Worker | null = null;
  let waiting: WorkerHealth = { ready: false, phase: 'starting', state: 'starting' };

  const stopped = new Promise<null>((resolve) => stopping.signal.addEventListener('abort', () => resolve(null), { once: true }));

  async function once(): Promise<Error | null> {
    let running: Worker;
    try {
      running = await start();
    } catch (error) {
      return asError(error);
    }
    worker = running;
    const failure = await Promise.race([running.failed, stopped]);
    worker = null;
    waiting = failure ? failed(failure) : { ready: false, phase: 'stopping', state: 'stopping' };
    try {
      await running.stop();
    } catch (error) {
      log.error({ err: error }, 'the worker did not stop cleanly');
    }
    return failure;
  }

  async function loop(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      const failure = await once();
      if (failure === null) return;
      failures = performance.now() - startedAt > SETTLED_MS ? 1 : failures + 1;
      const delayMs = restartDelayMs(failures);
      waiting = failed(failure);
      log.error({ err: failure, failures, delayMs }, 'the worker failed and is started again');
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined); // an abort ends the wait, nothing else can
    }
  }

  const ended = loop();
  return {
    health: () => worker?.health() ?? waiting,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

function failed({ message }: Error): WorkerHealth {
  return { ready: false, phase: 'failed', state: `failed: ${message}` };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
