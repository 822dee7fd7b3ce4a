/** Waiting and trying again, always for a bounded time and never past an abort. */
import { setTimeout as delay } from 'node:timers/promises';
import { isRetriable, KafkaError, messageOf } from './errors.ts';

const FIRST_MS = 200;

/** How long to wait after this many failures in a row (from 1): 0.2 s doubling up to `maxMs`, less up to a quarter at random. */
export function backoffMs(failures: number, maxMs: number): number {
  return Math.min(maxMs, FIRST_MS * 2 ** Math.min(failures - 1, 16)) * (1 - Math.random() / 4);
}

/** Waits; returns early, without an error, when the signal is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** The promise's outcome, or a rejection when the time is over or the signal aborted; what it does later is ignored. */
export async function within<T>(promise: Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new KafkaError(`no answer within ${Math.round(ms)} ms`, { retriable: true })), ms);
    onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

export interface Patience {
  withinMs: number;
  /** Start of the sentence when it ends in failure: `Kafka at a:9092 did not describe topic x`. */
  what: string;
  signal?: AbortSignal;
  /** Says more than isRetriable about what to give up at once. */
  giveUp?: (error: unknown) => boolean;
}

/**
 * Tries until it works, something cannot pass by itself, or the time is over.
 * @throws KafkaError with `what` and the last failure; the signal's reason when aborted.
 */
export async function persist<T>(attempt: () => Promise<T>, patience: Patience): Promise<T> {
  const { withinMs, what, signal, giveUp } = patience;
  const deadline = performance.now() + withinMs;
  for (let failures = 1; ; failures++) {
    try {
      signal?.throwIfAborted();
      return await within(attempt(), Math.max(0, deadline - performance.now()), signal);
    } catch (error) {
      signal?.throwIfAborted();
      const wait = backoffMs(failures, 1_000);
      const over = performance.now() + wait >= deadline;
      if (over || !isRetriable(error) || giveUp?.(error))
        throw new KafkaError(`${what}${over ? ` within ${Math.round(withinMs / 1000)} s` : ''}: ${messageOf(error)}`, {
          cause: error,
          retriable: isRetriable(error),
        });
      await pause(wait, signal);
    }
  }
}
