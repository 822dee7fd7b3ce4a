/** What every decoder is: raw bytes in, objects out. A new one is a file beside this and a line in `index.ts`. */
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';

export type JsonObject = Record<string, unknown>;

/** What stands beside several parts of a record stands in the row of each: so many bytes together. */
export const MAX_REPEATED_BYTES = 8_388_608;

/** Why something was refused: a countable word, and a sentence with the value and what is allowed. */
export interface Problem {
  reason: string;
  message: string;
}

/**
 * One future table row, or the one part of the record that cannot become one. What the dead-letter topic keeps of one of several
 * is the source, else what `alone` gives, else the object: decoded again as the only element of an array, it gives this part alone.
 */
export type Decoded = { object: JsonObject; alone?(): unknown } | { problem: Problem; source: unknown };

export interface Decoder {
  /**
   * The objects of a raw record in their order, at least one, so that the same bytes always give the same indexes.
   * @throws DecodeError when the record as a whole cannot be read
   */
  decode(record: KafkaRecord): Decoded[];
}

/** A raw record that cannot be read as a whole. */
export class DecodeError extends Error {
  override name = 'DecodeError';
  readonly reason: string;

  constructor({ reason, message }: Problem) {
    super(message);
    this.reason = reason;
  }
}
