/**
 * Bytes of a file or URL, decompressed where the name ends in `.gz`. Every failure is an `InputError` naming the place.
 * Memory: a chunk or two; a reader that waits holds the source back.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Encoding, toUtf8 } from './encoding.ts';
import { download, isUrl } from './http.ts';
import { InputError, type Open } from './piece.ts';

const CHUNK_BYTES = 65_536;
/** So much of a file's beginning is looked at together, however small its chunks are. */
const HEAD_BYTES = 4_096;

/** Whether the name says that its content is compressed. */
function isGzip(name: string): boolean {
  return (isUrl(name) ? new URL(name).pathname : name).toLowerCase().endsWith('.gz');
}

/**
 * Makes the function that opens `name` at a byte of its decompressed content as UTF-8: a plain file in UTF-8 is read from
 * there, anything else from its beginning, and skipped.
 */
export function opener(name: string, signal: AbortSignal, encoding: Encoding = 'utf-8'): Open {
  return async function* open(from) {
    let at = isUrl(name) || isGzip(name) || encoding !== 'utf-8' ? 0 : from;
    const source = isUrl(name)
      ? Readable.from(download(name, signal), { objectMode: false })
      : createReadStream(name, { start: at, highWaterMark: CHUNK_BYTES });
    // pipeline hands an error of the source on to the stream that is read; its callback has nothing left to do.
    const stream = isGzip(name) ? pipeline(source, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined) : source;
    const bytes = stream as AsyncIterable<Buffer>;
    try {
      for await (const chunk of headFirst(encoding === 'utf-8' ? bytes : toUtf8(bytes, encoding))) {
        signal.throwIfAborted();
        if (at === 0) refuseBinary(name, chunk);
        const skip = Math.min(chunk.length, Math.max(0, from - at));
        at += chunk.length;
        if (skip < chunk.length) yield chunk.subarray(skip);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw asInputError(name, at, error, encoding);
    } finally {
      stream.destroy();
      source.destroy();
    }
    if (at < from) throw new InputError(`${name} has ${at} bytes, but was read up to byte ${from} before: it was cut meanwhile`);
  };
}

/** The chunks, the first ones joined: a byte order mark or a UTF-16 file is seen, whatever a network cuts. */
async function* headFirst(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  try {
    for await (const chunk of chunks) {
      if (head === null) yield chunk;
      else {
        head = Buffer.concat([head, chunk]);
        if (head.length < HEAD_BYTES) continue;
        const whole = head;
        head = null;
        yield whole;
      }
    }
  } catch (error) {
    if (head !== null && head.length > 0) yield head; // what could be read before it failed
    throw error;
  }
  if (head !== null && head.length > 0) yield head;
}

/**
 * Spreadsheets, images, archives and UTF-16 hold NUL bytes near their start, and are no UTF-8 or full of them. A NUL in a
 * text is the mistake of one record, which is refused alone.
 */
function refuseBinary(name: string, chunk: Buffer): void {
  const allowed = 'allowed is UTF-8 text: csv, json or ndjson, or these in .gz';
  if (chunk[0] === 0x1f && chunk[1] === 0x8b)
    throw new InputError(`${name} is gzip (once more than its name says); ${allowed}, with a name that ends in .gz`);
  if ((chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff))
    throw new InputError(`${name} is UTF-16 text; ${allowed}: set source.replay.encoding, or save it as UTF-8`);
  const head = chunk.subarray(0, HEAD_BYTES);
  const nul = head.indexOf(0);
  if (nul === -1) return;
  const nuls = head.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
  // The last character may be cut: at most 3 bytes of it are there.
  const isText = [0, 1, 2, 3].some((cut) => isUtf8(head.subarray(0, head.length - cut)));
  if (!isText || nuls * 10 > head.length) throw new InputError(`${name} is no text file: byte ${nul} is NUL; ${allowed}`);
}

function asInputError(name: string, at: number, error: unknown, encoding: Encoding): InputError {
  if (error instanceof InputError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return new InputError(
      `${name} is no ${encoding} text after byte ${at}; allowed is the encoding that source.replay.encoding names`,
    );
  if (code?.startsWith('Z_'))
    return new InputError(
      `${name} is no whole gzip file: ${message} after ${at} bytes of content; what could be read of it was sent`,
    );
  return new InputError(`${name} cannot be read after byte ${at}: ${message}`, { cause: error });
}
