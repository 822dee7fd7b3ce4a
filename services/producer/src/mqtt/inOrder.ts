/** Acknowledgements in the order of their messages, as MQTT wants it (MQTT-4.6.0-2), in whatever order they fall due. */

interface Turn {
  isDue: boolean;
  acknowledge(): void;
  next: Turn | null;
}

/** A linked list: of a Set or an array the first is not taken away in constant time. */
export class InOrder {
  #first: Turn | null = null;
  #last: Turn | null = null;

  /** Of the next message. @returns what says that it may be acknowledged */
  next(acknowledge: () => void): () => void {
    const turn: Turn = { isDue: false, acknowledge, next: null };
    if (this.#last) this.#last.next = turn;
    this.#last = turn;
    this.#first ??= turn;
    return () => {
      turn.isDue = true;
      while (this.#first?.isDue) {
        const due = this.#first;
        this.#first = due.next;
        due.acknowledge();
      }
      if (this.#first === null) this.#last = null;
    };
  }
}
