import { setTimeout as sleep } from 'node:timers/promises';

/** A sender that fell behind (Kafka was away) catches up by at most this much. */
const MAX_DEBT_MS = 1_000;
/** Shorter waits are saved up: timers are no finer. */
const SHORTEST_MS = 2;

/** Keeps the pace of records: waits the gap before each, in the long run exactly. */
export class Pacer {
  #dueMs: number | null = null;

  /** Whether the next record, `gapMs` after the one before, must wait. Counts the gap. */
  isEarly(gapMs: number): boolean {
    const nowMs = performance.now();
    this.#dueMs = Math.max((this.#dueMs ?? nowMs - gapMs) + gapMs, nowMs - MAX_DEBT_MS);
    return this.#dueMs - nowMs >= SHORTEST_MS;
  }

  /** Waits until the record that `isEarly` was asked about is due. @throws when aborted */
  async wait(signal: AbortSignal): Promise<void> {
    // A timer holds at most 2^31 ms (25 days).
    for (;;) {
      const waitMs = (this.#dueMs ?? 0) - performance.now();
      if (waitMs <= 0) return;
      await sleep(Math.min(waitMs, 2 ** 31 - 1), undefined, { signal });
    }
  }
}
