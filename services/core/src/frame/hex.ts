/** Bytes as hex digits, in both cases, as devices write them: `01 03 0C`, `01030c`, `01:03:0C`, `01-03-0C`. */
const MARKS = /[\s:-]+/g;

/** Why a text is no bytes: a sentence without its subject. */
export type HexProblem = { problem: string };

/** The bytes of a text. Digits may be grouped as they like, as long as each byte has two. */
export function parseHex(text: string): Uint8Array | HexProblem {
  const digits = text.replace(MARKS, '');
  const wrong = /[^0-9a-fA-F]/.exec(digits);
  if (wrong) return { problem: `holds ${JSON.stringify(wrong[0])}; allowed are hex digits 0 to 9 and A to F` };
  if (digits.length % 2 !== 0)
    return { problem: `has ${digits.length} hex digits, which is odd; allowed are two for each byte, such as 01 03 0C` };
  return Buffer.from(digits, 'hex');
}
