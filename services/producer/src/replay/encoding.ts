/**
 * Text in other encodings than UTF-8, made UTF-8 as it is read. Places are then those of the UTF-8 text, which are the same
 * each time. Memory: a chunk.
 */
import type { Replay } from '@millrace/core/spec/source.ts';

export type Encoding = NonNullable<Replay['encoding']>;

/** As https://encoding.spec.whatwg.org names them; what is called latin-1 is nearly always windows-1252, as browsers know. */
const LABELS: Record<Encoding, string> = {
  'utf-8': 'utf-8',
  'latin-1': 'windows-1252',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
};

/** The text of the chunks as UTF-8, without a byte order mark. @throws TypeError where the bytes are not in this encoding */
export async function* toUtf8(chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(LABELS[encoding], { fatal: true });
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== '') yield Buffer.from(text);
  }
  const rest = decoder.decode();
  if (rest !== '') yield Buffer.from(rest);
}
