/** Acknowledgements in the order of their messages, as MQTT wants it (MQTT-4.6.0-2), in whatever order they fall due. */

interface Turn {
  isDue: boolean;
  acknowledge(): void;
}

export class InOrder {
  readonly #turns = new Set<Turn>();

  /** Of the next message. @returns what says that it may be acknowledged */
  next(acknowledge: () => void): () => void {
    const turn = { isDue: false, acknowledge };
    this.#turns.add(turn);
    return () => {
      turn.isDue = true;
      for (const first of this.#turns) {
        if (!first.isDue) return;
        this.#turns.delete(first);
        first.acknowledge();
      }
    };
  }
}
