/**
 * Cuts what a broker sends into control packets (MQTT 5.0, 2.1; 3.1.1 alike).
 *
 * Invariants:
 * - However the bytes are cut into chunks, the packets are the same.
 * - Memory is bounded whatever comes: of a PUBLISH over the limit only the beginning of its payload is kept, with length and sha256;
 *   a packet of another kind over the limit is an error.
 */
import type { Oversize } from '@millrace/core/record/raw.ts';
import { Collector } from '../replay/piece.ts';

/** Of packets that are taken whole: topic, properties and payload together. */
const ROOM_BYTES = 131_072;
const PUBLISH = 3;
/** Length and text of a topic, packet identifier, and the length of the properties. */
const MOST_HEAD_BYTES = 2 + 65_535 + 2 + 4;
const QOS_BITS = 0b110;
const KEPT_BYTES = 65_536;

/** A whole packet; or a PUBLISH without properties and with the beginning of its payload, where `oversize` says what it was. */
export type OnPacket = (bytes: Buffer, oversize: Oversize | null) => void;

export interface FramingOptions {
  /** Of a payload. */
  maxBytes: number;
  hasProperties: boolean;
}

interface Cut {
  first: number;
  left: number;
  head: Buffer[];
  headBytes: number;
  /** Of the properties that are still to be passed over; null: the head is not whole. */
  skip: number | null;
  start: Buffer;
  payload: Collector;
}

export class Framing {
  readonly #options: FramingOptions;
  readonly #onPacket: OnPacket;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #needed = 2;
  #cut: Cut | null = null;

  constructor(options: FramingOptions, onPacket: OnPacket) {
    this.#options = options;
    this.#onPacket = onPacket;
  }

  /** @throws Error for what is no MQTT; nothing more may be pushed then */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#cut === null ? this.#pushWhole(rest) : this.#pushCut(this.#cut, rest);
  }

  /** Collects until a packet is whole. @returns what is left of the chunk */
  #pushWhole(chunk: Buffer): Buffer {
    if (this.#waitingBytes + chunk.length < this.#needed) {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      return chunk.subarray(chunk.length);
    }
    const all = this.#waiting.length === 0 ? chunk : Buffer.concat([...this.#waiting, chunk]);
    this.#reset(2);
    const length = varint(all, 1);
    if (length === null) return this.#wait(all, all.length + 1);
    const start = 1 + length.bytes;
    const first = all[0] as number;
    if (length.value > this.#options.maxBytes + ROOM_BYTES) {
      if (first >> 4 !== PUBLISH) throw new Error(`the broker sent a packet of kind ${first >> 4} with ${length.value} bytes`);
      const payload = new Collector(this.#options.maxBytes);
      this.#cut = { first, left: length.value, head: [], headBytes: 0, skip: null, start: all.subarray(0, 0), payload };
      return all.subarray(start);
    }
    if (all.length < start + length.value) return this.#wait(all, start + length.value);
    this.#onPacket(all.subarray(0, start + length.value), null);
    return all.subarray(start + length.value);
  }

  #reset(needed: number): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#needed = needed;
  }

  #wait(all: Buffer, needed: number): Buffer {
    this.#waiting = [all];
    this.#waitingBytes = all.length;
    this.#needed = needed;
    return all.subarray(all.length);
  }

  /** Takes a piece of a large PUBLISH. @returns what is left of the chunk */
  #pushCut(cut: Cut, chunk: Buffer): Buffer {
    const piece = chunk.subarray(0, cut.left);
    cut.left -= piece.length;
    if (cut.skip === null) {
      cut.head.push(piece);
      cut.headBytes += piece.length;
      // A packet so large is longer than any head: it never ends before.
      if (cut.headBytes >= MOST_HEAD_BYTES) this.#readHead(cut, Buffer.concat(cut.head));
    } else this.#addPayload(cut, piece);
    if (cut.left === 0) {
      this.#cut = null;
      const { bytes, oversize = null } = cut.payload.take();
      const kept = oversize === null ? bytes : bytes.subarray(0, KEPT_BYTES);
      this.#onPacket(packetOf(cut.first, Buffer.concat([cut.start, kept])), oversize);
    }
    return chunk.subarray(piece.length);
  }

  #readHead(cut: Cut, head: Buffer): void {
    cut.head = [];
    const topicEnd = 2 + head.readUInt16BE(0);
    const end = topicEnd + ((cut.first & QOS_BITS) === 0 ? 0 : 2);
    const properties = this.#options.hasProperties ? varint(head, end) : { value: 0, bytes: 0 };
    if (properties === null) throw new Error('the broker sent a message whose properties have no length');
    cut.start = Buffer.concat([head.subarray(0, end), Buffer.alloc(this.#options.hasProperties ? 1 : 0)]);
    cut.skip = properties.value;
    this.#addPayload(cut, head.subarray(end + properties.bytes));
  }

  #addPayload(cut: Cut, piece: Buffer): void {
    const skipped = Math.min(cut.skip ?? 0, piece.length);
    cut.skip = (cut.skip ?? 0) - skipped;
    if (piece.length > skipped) cut.payload.add(Buffer.from(piece.subarray(skipped)));
  }
}

/** A variable byte integer (MQTT 5.0, 1.5.5); null: there are not enough bytes. @throws Error for one that never ends */
function varint(bytes: Buffer, at: number): { value: number; bytes: number } | null {
  let value = 0;
  for (let count = 0; count < 4; count++) {
    const byte = bytes[at + count];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 128 ** count;
    if (byte < 0x80) return { value, bytes: count + 1 };
  }
  throw new Error('the broker sent a length of more than four bytes: it speaks no MQTT');
}

function packetOf(first: number, body: Buffer): Buffer {
  const head = [first];
  for (let left = body.length; ; left = Math.floor(left / 128)) {
    head.push(left < 128 ? left : (left % 128) | 0x80);
    if (left < 128) return Buffer.concat([Buffer.from(head), body]);
  }
}
