/**
 * Bounds the bytes of records that one reader has in memory: fetched and not yet done with, whatever the backlog, the
 * number of its partitions and the size of its records are. What is made of small records while they are worked on is several
 * times their bytes.
 *
 * Invariants: nothing is shared with the readers of other Pipelines, so that one that hangs takes no room from them. A
 * batch that is worked on for long becomes overdue and leaves its room to the partitions beside it, until overdue ones
 * fill as much again; then these wait too, at most until the time-outs of what the overdue ones wait for.
 */

/** Of all readers of one process together, each an equal share. More is not faster (docs/performance.md). */
const PROCESS_BYTES = 4 * 1_048_576;

/** What one of so many readers in a process may hold. */
export function shareOf(readers: number): number {
  return PROCESS_BYTES / Math.max(1, readers);
}

/** Bytes of one batch that are held. */
export interface Hold {
  /** Leaves the room to others while it is still held. */
  overdue(): void;
  /** Gives it back; calling it twice does nothing. */
  release(): void;
}

export class Held {
  readonly #limit: () => number;
  #current = 0;
  #overdue = 0;
  #changed = Promise.withResolvers<void>();

  /** @param limit bytes, asked for each time that somebody wants room */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** Waits while there is no room and answers how many bytes there are. What comes may be more: a batch is never cut. */
  async room(): Promise<number> {
    for (;;) {
      const free = this.#limit() - this.#current - Math.max(0, this.#overdue - this.#limit());
      if (free > 0) return Math.ceil(free);
      await this.#changed.promise;
    }
  }

  take(bytes: number): Hold {
    let counted: 'current' | 'overdue' | 'not' = 'current';
    this.#current += bytes;
    const count = (as: typeof counted): void => {
      if (counted === 'not') return;
      if (counted === 'current') this.#current -= bytes;
      else this.#overdue -= bytes;
      if (as === 'overdue') this.#overdue += bytes;
      counted = as;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    return { overdue: () => count('overdue'), release: () => count('not') };
  }
}
