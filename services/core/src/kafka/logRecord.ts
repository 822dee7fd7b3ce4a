/**
 * A record as it lies in a batch (https://kafka.apache.org/documentation/#record), read where it is asked for.
 *
 * Invariants: a record is whole (`decodeBatches` looks at all its lengths, so that what is asked for later cannot fail); nothing
 * is kept beside the place in the batch. A batch has thousands of records, and what they hold on to while
 * they are worked on is what the garbage collector has to copy: four buffers a record were a quarter of the sink's time.
 * Whoever needs key, value or headers more than once keeps them.
 */
import type { KafkaRecord } from './kafka.ts';

// As `newRow`: inherits no name, yet V8 keeps it small and fast, which it does not for Object.create(null).
const Headers = function Headers() {} as unknown as new () => Record<string, Buffer>;
Headers.prototype = Object.create(null);

export class LogRecord implements KafkaRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly #body: Buffer;
  /** Of the key's length. */
  readonly #at: number;

  constructor(offset: number, timestampMs: number, body: Buffer, at: number) {
    this.offset = offset;
    this.timestampMs = timestampMs;
    this.#body = body;
    this.#at = at;
  }

  get key(): Buffer | null {
    return new VarintReader(this.#body, this.#at).bytes();
  }

  get value(): Buffer | null {
    const reader = new VarintReader(this.#body, this.#at);
    reader.skipBytes();
    return reader.bytes();
  }

  get headers(): Record<string, Buffer> {
    const reader = new VarintReader(this.#body, this.#at);
    reader.skipBytes();
    reader.skipBytes();
    const headers = new Headers();
    const count = reader.varint();
    for (let nth = 0; nth < count; nth++) {
      const name = reader.headerName(nth);
      headers[name] = reader.bytes() ?? Buffer.alloc(0);
    }
    return headers;
  }
}

/** Names of headers are the same ones in record after record, in the same order: each is made a text once. */
const KNOWN_NAMES: { bytes: Buffer; name: string }[] = [];
const MAX_KNOWN_NAMES = 16;

export class VarintReader {
  at: number;
  readonly #body: Buffer;

  constructor(body: Buffer, at: number) {
    this.#body = body;
    this.at = at;
  }

  /** @throws RangeError where the batch ends before the number does */
  varint(): number {
    let low = this.#body[this.at++];
    if (low === undefined) throw endsInside();
    if (low < 0x80) return (low >>> 1) ^ -(low & 1);
    let value = low & 0x7f;
    for (let scale = 128; low >= 0x80; scale *= 128) {
      low = this.#body[this.at++];
      if (low === undefined) throw endsInside();
      value += (low & 0x7f) * scale; // not by shifts: time differences may need more than 32 bits
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of the bytes behind their length; null for the length -1. @throws RangeError where the batch ends before */
  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.at;
    this.#skip(length);
    return this.#body.subarray(start, this.at);
  }

  skipBytes(): void {
    const length = this.varint();
    if (length > 0) this.#skip(length);
  }

  /** @param nth which header of its record */
  headerName(nth: number): string {
    const length = this.varint();
    if (length < 0) return '';
    const start = this.at;
    this.#skip(length);
    const known = KNOWN_NAMES[nth];
    if (known !== undefined && this.#holds(known.bytes, start, length)) return known.name;
    const name = this.#body.toString('utf8', start, this.at);
    if (nth < MAX_KNOWN_NAMES && length <= 256) KNOWN_NAMES[nth] = { bytes: Buffer.from(name), name };
    return name;
  }

  #holds(bytes: Buffer, start: number, length: number): boolean {
    if (bytes.length !== length) return false;
    for (let at = 0; at < length; at++) if (bytes[at] !== this.#body[start + at]) return false;
    return true;
  }

  #skip(length: number): void {
    this.at += length;
    if (this.at > this.#body.length) throw endsInside();
  }
}

function endsInside(): RangeError {
  return new RangeError('record batch ends inside a record');
}
