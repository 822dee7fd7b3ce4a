/**
 * Bounds the records in memory: bytes that were fetched and are not yet done with, of all readers of one client together, so
 * that neither more partitions nor more Pipelines in a process make it larger. As objects, records take about ten times
 * their bytes.
 */

/** Enough that the next batch is there when one is done with. More is not faster (docs/performance.md). */
const HELD_BYTES = 2 * 1_048_576;

export class Held {
  readonly #limit: number;
  #bytes = 0;
  #released = Promise.withResolvers<void>();

  constructor(limit = HELD_BYTES) {
    this.#limit = limit;
  }

  /** Resolves while less than the limit is held: who asks then may get more than what is left, but asks only once. */
  async room(): Promise<void> {
    while (this.#bytes >= this.#limit) await this.#released.promise;
  }

  /** Counts bytes until the answered function is called (calling it twice does nothing). */
  take(bytes: number): () => void {
    this.#bytes += bytes;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#bytes -= bytes;
      this.#released.resolve();
      this.#released = Promise.withResolvers();
    };
  }
}
