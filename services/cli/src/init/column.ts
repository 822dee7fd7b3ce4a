/** A column of the sample, as every guess sees it: what stood there, as text. */

export interface Column {
  /** Where a record has it: a name, or a path such as values.x. */
  path: string;
  /** One per record, in order; null where there is none. Numbers and booleans as their text. */
  texts: readonly (string | null)[];
  /** A csv column that nothing names. */
  unnamed: boolean;
  /** As a row behind the header says. */
  unit?: string;
  /** Whether all values are numbers of JSON, which are written in one way only. */
  isNumber?: boolean;
}

/** A spelling that is a value in a text, and none in a number, a time or a boolean. */
const MISSING =
  /^(?:n\/?a|#n\/?a|nan|[+-]?inf(?:inity)?|null|none|nil|mm?|missing|no ?data|unknown|unavailable|offline|-+|\*+|\?+|\.+)$/i;

/** How often each text stands in a column, the trimmed ones together; without empty ones. */
export function countTexts({ texts }: Pick<Column, 'texts'>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const trimmed = text?.trim() ?? '';
    if (trimmed !== '') counts.set(trimmed, (counts.get(trimmed) ?? 0) + 1);
  }
  return counts;
}

export function meansMissing(text: string): boolean {
  return MISSING.test(text);
}

/** `once`, `3 times`. */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

export function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
