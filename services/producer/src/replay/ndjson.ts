/** Lines of JSON: each line is a record, its bytes unchanged but for the line end. Blank lines are none. */
import { crc32 } from 'node:zlib';
import { Collector, markLength, type Open, type Piece, type Pieces, type ReadFrom, type ReadRules } from './piece.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

export async function* readNdjson(open: Open, from: ReadFrom, { maxBytes }: ReadRules): AsyncGenerator<Pieces> {
  const line = new Collector(maxBytes);
  let start = from.byte;
  let end = from.byte;
  let crc = from.crc;

  const takeLine = (): Piece[] => {
    const taken = line.take();
    const lineStart = start;
    start = end;
    let { bytes } = taken;
    if (lineStart === 0) bytes = bytes.subarray(markLength(bytes));
    if (!taken.oversize && bytes.at(-1) === RETURN) bytes = bytes.subarray(0, -1);
    return taken.oversize || !isBlank(bytes) ? [{ ...taken, bytes, start: lineStart, end, crc }] : [];
  };

  for await (const chunk of open(from.byte)) {
    const pieces: Piece[] = [];
    let at = 0;
    for (let newline = chunk.indexOf(NEWLINE); newline !== -1; newline = chunk.indexOf(NEWLINE, at)) {
      line.add(chunk.subarray(at, newline));
      crc = crc32(chunk.subarray(at, newline + 1), crc);
      end += newline + 1 - at;
      at = newline + 1;
      pieces.push(...takeLine());
    }
    line.add(chunk.subarray(at));
    crc = crc32(chunk.subarray(at), crc);
    end += chunk.length - at;
    yield { pieces, crc };
  }
  yield { pieces: takeLine(), crc };
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== RETURN) return false;
  return true;
}
