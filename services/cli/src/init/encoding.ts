/** Which encoding bytes are in: what they begin with, and whether they are UTF-8. */
import { isUtf8 } from 'node:buffer';
import type { Encoding } from '@millrace/producer/replay/encoding.ts';

/** The encoding of a text; null where it is no text. @param parts pieces of it, each cut at line breaks */
export function guessEncoding(parts: readonly Buffer[]): Encoding | null {
  const [head = Buffer.alloc(0)] = parts;
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (parts.every((part) => isUtf8(part))) return 'utf-8';
  return parts.some((part) => part.includes(0)) ? null : 'latin-1';
}
