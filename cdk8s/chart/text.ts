/** Plain data with marks in its texts becomes data whose texts are lists of pieces: what is written, what is referred to. */
import { CHECKSUM_MARK, entriesOf } from '../constructs/checksum.ts';
import type { Alphabet } from './stand.ts';

export type Piece =
  /** A piece of text, up to and with a line break. */
  | string
  /** Of the opaque value; `quoted`: how often it went through JSON.stringify. */
  | { ref: number; quoted: number }
  /** The first characters of the SHA-256 of these names and contents. */
  | { checksum: number; of: readonly { name: string; content: Text }[] };

/** A text. */
export interface Text {
  pieces: readonly Piece[];
}

export type Tree =
  | null
  | boolean
  | number
  | Text
  | { ref: number }
  | readonly Tree[]
  | { members: Readonly<Record<string, Tree>> };

/** @throws Error where something cannot become a template */
export function readMarks(value: unknown, alphabet: Alphabet): Tree {
  if (typeof value === 'string') return { pieces: piecesOf(value, alphabet) };
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error('a number was computed from an opaque value, which can only be passed on');
    const [match] = String(value).matchAll(alphabet.pattern);
    return match?.[3] === undefined ? value : { ref: Number(match[3]) };
  }
  if (value === null || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item) => readMarks(item, alphabet));
  const members = Object.entries(value as object).map(([name, member]) => {
    if (piecesOf(name, alphabet).some((piece) => typeof piece !== 'string'))
      throw new Error('a name of a member holds an opaque value, which a template cannot merge');
    return [name, readMarks(member, alphabet)];
  });
  return { members: Object.fromEntries(members) };
}

function piecesOf(text: string, alphabet: Alphabet): Piece[] {
  const pieces = cut(text, CHECKSUM_MARK, (match): Piece => {
    const [, length, base64 = ''] = match;
    const of = entriesOf(base64).map(([name, content]) => ({ name, content: { pieces: piecesOf(content, alphabet) } }));
    return { checksum: Number(length), of };
  });
  return pieces.flatMap((piece) => (typeof piece === 'string' ? refsIn(piece, alphabet) : [piece]));
}

function refsIn(text: string, { pattern }: Alphabet): Piece[] {
  const pieces = cut(text, pattern, ([, backslashes, textIndex, integerIndex]): Piece => {
    if (integerIndex !== undefined) return { ref: Number(integerIndex), quoted: 0 };
    return { ref: Number(textIndex), quoted: backslashes === undefined ? 0 : Math.log2(backslashes.length) + 1 };
  });
  return pieces.flatMap((piece): Piece[] => (typeof piece === 'string' ? linesOf(piece) : [piece]));
}

/** Each with its line break. */
const linesOf = (text: string): string[] => text.split(/(?<=\n)/).filter((line) => line !== '');

/** The text around the matches, and what stands for them. */
function cut(text: string, pattern: RegExp, stand: (match: RegExpExecArray) => Piece): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    pieces.push(text.slice(from, match.index), stand(match as RegExpExecArray));
    from = match.index + match[0].length;
  }
  return [...pieces, text.slice(from)];
}
