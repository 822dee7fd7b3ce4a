/**
 * How many batches a reader works on at a time; the others wait in order.
 *
 * Invariant: readers of one process take no slot from another: each has an equal part among those that have work just now, at least
 * one. So a batch with what is made of it, several times its bytes, is in memory a bounded number of times, and one reader alone is as fast as ever.
 */

/** Of all readers of one process together, as long as they are fewer. */
const PROCESS_SLOTS = 8;

/** The slots of one of so many readers that have work. @param most that it may have. More than 4 are not faster (docs/performance.md) */
export function slotsOf(busyReaders: number, most = 4): number {
  return Math.max(1, Math.min(most, Math.floor(PROCESS_SLOTS / Math.max(1, busyReaders))));
}

export class Slots {
  readonly #limit: () => number;
  #held = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param limit asked for each time that somebody wants a slot or leaves one */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Whether somebody has a slot. */
  get isBusy(): boolean {
    return this.#held > 0;
  }

  /** Waits for a slot and answers how to give it back (calling it twice does nothing). @throws the signal's reason. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#waiting.length > 0 || !this.#hasRoom()) await this.#queue(signal);
    else this.#held++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#held--;
      while (this.#waiting.length > 0 && this.#hasRoom()) {
        this.#held++;
        this.#waiting.shift()?.();
      }
    };
  }

  /** The first one never waits for others: their work says nothing of when it may go on. */
  #hasRoom(): boolean {
    return this.#held === 0 || this.#held < this.#limit();
  }

  #queue(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        const index = this.#waiting.indexOf(enter);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal.reason);
      };
      this.#waiting.push(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
