/** Text for people: numbers with thousands commas, and columns that stand under one another. */
import stringWidth from 'string-width';

/** 5236 is "5,236"; bigint too, since counts of a database come so. */
export function count(value: number | bigint): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** `count` and the word, in the plural where it is not one: "1 row", "2 rows". */
export function many(value: number, word: string): string {
  return `${count(value)} ${word}${value === 1 ? '' : 's'}`;
}

export interface TextColumn {
  title: string;
  align: 'left' | 'right';
}

/**
 * Lines of a table: titles, then one line per row, two spaces between columns, no trailing spaces.
 * @param width lines are cut to this many terminal columns, ending in "…"
 */
export function table(
  columns: readonly TextColumn[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => stringWidth(line[index] ?? ''))));
  return lines.map((line) => {
    const cells = columns.map(({ align }, index) => {
      const cell = line[index] ?? '';
      const fill = ' '.repeat((widths[index] ?? 0) - stringWidth(cell));
      return align === 'right' ? fill + cell : cell + fill;
    });
    return cut(cells.join('  ').trimEnd(), width);
  });
}

/** The text, at most `width` terminal columns wide. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += stringWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Makes text from outside safe and one line long for a terminal: control characters are shown as escapes. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => {
    const short = JSON.stringify(character).slice(1, -1);
    return short === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : short;
  });
}
