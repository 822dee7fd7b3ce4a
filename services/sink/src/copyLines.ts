/**
 * Lines of PostgreSQL's COPY text, of one batch, one behind the other in one buffer: a row knows where its line stands and holds
 * on to no text of its own.
 *
 * Invariant: a line is written at the end and never changes afterwards; `cutTo` takes back only what is not a whole line yet.
 */
const FIRST_BYTES = 4_096;
const LINE_END = 0x0a;

export class CopyLines {
  /** Bytes written so far. */
  length = 0;
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);

  /** The buffer to write into from `length` on, with room for at least so many bytes more. */
  room(bytes: number): Buffer {
    const needed = this.length + bytes;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  append(text: string): void {
    const room = this.room(3 * text.length); // of UTF-8 a UTF-16 unit takes at most three
    this.length += room.write(text, this.length);
  }

  endLine(): void {
    this.room(1)[this.length++] = LINE_END;
  }

  cutTo(length: number): void {
    this.length = length;
  }

  /** A view of the bytes from `start` to `end`. */
  bytes(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end);
  }
}

/** Where the line of a row stands, its line end included. */
export interface Line {
  lines: CopyLines;
  start: number;
  end: number;
}

/** The text of a line without its line end. */
export function textOf({ lines, start, end }: Line): string {
  return lines.bytes(start, end - 1).toString();
}

/** The lines, in order; a view where they stand one behind the other in one buffer, as those of a whole batch do. */
export function bytesOf(of: readonly Line[]): Buffer {
  const first = of[0];
  const last = of.at(-1);
  if (first === undefined || last === undefined) return Buffer.alloc(0);
  const isWhole = of.every(({ lines, start }, n) => n === 0 || (lines === first.lines && start === of[n - 1]?.end));
  if (isWhole) return first.lines.bytes(first.start, last.end);
  return Buffer.concat(of.map(({ lines, start, end }) => lines.bytes(start, end)));
}
