import { distance } from 'fastest-levenshtein';

/** The word that was probably meant: the nearest one by Levenshtein distance, or null where none is near (2 edits, or a third of the word). */
export function nearest(word: string, words: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of words) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < least && edits < candidate.length) [best, least] = [candidate, edits];
  }
  return best;
}
