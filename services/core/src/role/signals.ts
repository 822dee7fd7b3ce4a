/**
 * SIGTERM and SIGINT: at first they end the process, later they ask it to stop in order, and the second one ends it.
 *
 * Invariant: from `endOnSignal` on there is a handler at every moment. The first process of a container has no default
 * for signals: without a handler they are ignored, and a pod that is deleted while it starts would wait for its whole grace period.
 */
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;
type Signal = keyof typeof EXIT_CODES;

const end = (signal: Signal): void => process.exit(EXIT_CODES[signal]);
let handle = end;
let installed = false;

/** From now on a signal ends the process at once, with 128 + its number. For the very beginning of a program. */
export function endOnSignal(): void {
  handle = end;
  if (installed) return;
  installed = true;
  for (const signal of Object.keys(EXIT_CODES) as Signal[]) process.on(signal, () => handle(signal));
}

export interface StopOptions {
  /** With which the signal is aborted. */
  reason?: Error;
  /** Called before the second signal ends the process. */
  beforeEnd?(signal: string): void;
}

/** Aborted by the first signal; the second one ends the process at once. */
export function stopOnSignal({ reason, beforeEnd }: StopOptions = {}): AbortSignal {
  const stop = new AbortController();
  endOnSignal();
  handle = () => {
    handle = (signal) => {
      beforeEnd?.(signal);
      end(signal);
    };
    stop.abort(reason);
  };
  return stop.signal;
}
