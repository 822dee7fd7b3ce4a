/**
 * Reads the body of a request.
 *
 * Invariant: memory is bounded whatever is sent: a body by its limit, also while it is unpacked (a bomb is cut where it passes the
 * limit), and all bodies of the process together by `MOST_HELD_BYTES`. What was read counts until it is released.
 */
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HttpRefusal } from '@millrace/core/http/refusal.ts';

/** Of all requests of the process that are not answered yet. */
const MOST_HELD_BYTES = 32 * 1_048_576;
const RETRY_SECONDS = 1;
let held = 0;

/** Bytes of bodies that this process holds. */
export function heldBytes(): number {
  return held;
}

export class Body {
  #parts: Buffer[] = [];
  #length = 0;

  add(part: Buffer): void {
    this.#parts.push(part);
    this.#length += part.length;
    held += part.length;
  }

  get length(): number {
    return this.#length;
  }

  bytes(): Buffer {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] as Buffer;
  }

  release(): void {
    held -= this.#length;
    this.#length = 0;
    this.#parts = [];
  }
}

/**
 * Reads into `body`, which the caller releases whatever happens.
 * @param encoding of the header Content-Encoding
 * @throws HttpRefusal 413, 415, 503, or 400 for what is no gzip
 */
export async function readBody(stream: Readable, encoding: string | undefined, maxBytes: number, body: Body): Promise<void> {
  const packing = (encoding ?? 'identity').trim().toLowerCase();
  if (packing !== 'identity' && packing !== 'gzip')
    throw new HttpRefusal(415, `content-encoding is ${JSON.stringify(packing.slice(0, 80))}; allowed is gzip, or none`);
  const unpacker = packing === 'gzip' ? createGunzip() : null;
  const fail = (error: Error): unknown => unpacker?.destroy(error);
  if (unpacker) stream.on('error', fail).pipe(unpacker);
  try {
    await allOf(unpacker ?? stream, (part) => {
      if (body.length + part.length > maxBytes) throw tooLarge(maxBytes);
      if (held + part.length > MOST_HELD_BYTES)
        throw new HttpRefusal(503, 'too much is being sent at a time; send it again', { retryAfterSeconds: RETRY_SECONDS });
      body.add(part);
    });
  } catch (error) {
    if (error instanceof HttpRefusal) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_'))
      throw new HttpRefusal(400, `the body is no gzip: ${message}; allowed is what content-encoding says`);
    throw new HttpRefusal(400, `the body ended before it was whole: ${message}`);
  } finally {
    if (unpacker) {
      stream.unpipe(unpacker).off('error', fail);
      unpacker.destroy();
    }
  }
}

/**
 * Gives `take` each part until the end; where that throws, no more is read. The stream is never ended: its connection would be, before
 * the client has the answer. By events, since an iterator over a stream costs as much as all the rest of a small request.
 */
async function allOf(stream: Readable, take: (part: Buffer) => void): Promise<void> {
  if (stream.destroyed) throw stream.errored ?? new Error('the connection is closed');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onData = (part: Buffer): void => {
    try {
      take(part);
    } catch (error) {
      stream.pause();
      reject(error);
    }
  };
  // It comes after the end, too, and an error costs as much as parsing a push.
  const onClose = (): void => {
    if (!stream.readableEnded) reject(new Error('the connection was closed'));
  };
  stream.on('end', resolve).on('error', reject).on('close', onClose).on('data', onData);
  try {
    await promise;
  } finally {
    stream.off('end', resolve).off('error', reject).off('close', onClose).off('data', onData);
  }
}

export function tooLarge(maxBytes: number): HttpRefusal {
  return new HttpRefusal(
    413,
    `the body is larger than ${maxBytes} bytes; allowed is what spec.source.http.maxBody and spec.record.maxBytes say`,
  );
}
