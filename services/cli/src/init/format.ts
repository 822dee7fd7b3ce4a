/** Which of the formats a text is in, and how a csv file is written: delimiter, quote, which row names the columns. */
import type { Format } from '@millrace/producer/replay/files.ts';
import { parse } from 'csv-parse/sync';
import { looksLikeTime } from './time.ts';

/** The format that the beginning of a text shows; an extension is not asked, since it may say another. */
export function guessFormat(head: string): Format {
  const text = head.trimStart();
  if (text.startsWith('[')) return isJsonLine(firstLine(text)) && /^\[[^\n]*\]\s*\n\s*\[/.test(text) ? 'ndjson' : 'json';
  if (!text.startsWith('{')) return 'csv';
  return isJsonLine(firstLine(text)) ? 'ndjson' : 'json';
}

function firstLine(text: string): string {
  return text.slice(0, text.search(/\r?\n|$/));
}

function isJsonLine(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

export interface Dialect {
  delimiter: string;
  quote: string;
  /** Which row that holds a value names the columns, from 1; 0: none. */
  header: number;
  /** How many rows behind the header are no records. */
  skip: number;
  /** What the header says, or `column1` … where there is none. */
  names: string[];
}

const DELIMITERS = [',', ';', '\t', '|', ' '];
const LINES = 300;
/** Of a score: less than one row in fifty, or a column more. */
const SLIGHT = 0.02;

/** @param head whole lines from the beginning of the text */
export function guessDialect(head: string): Dialect {
  let best = { score: -1, delimiter: ',', quote: '"', rows: [] as string[][] };
  for (const quote of ['"', '']) {
    for (const delimiter of DELIMITERS) {
      const rows = rowsOf(head, delimiter, quote);
      if (rows === null) continue;
      const score = scoreOf(rows) * (delimiter === ' ' ? 0.5 : 1) * (quote === '' ? 0.9 : 1);
      if (score > best.score) best = { score, delimiter, quote, rows };
    }
  }
  const { delimiter } = best;
  const single = best.quote === '"' && isQuotedBy(best.rows, "'") ? rowsOf(head, delimiter, "'") : null;
  const quote = single && scoreOf(single) >= best.score - SLIGHT ? "'" : best.quote;
  const rows = quote === "'" && single ? single : best.rows;
  const at = headerOf(rows);
  const width = Math.max(0, ...rows.slice(Math.max(0, at)).map(({ length }) => length));
  const header = at === -1 ? Array.from({ length: width }, () => '') : (rows[at] ?? []);
  const skip = at === -1 ? 0 : unitsBehind(rows, at);
  return { delimiter, quote, header: at + 1, skip, names: header.map((name, index) => name.trim() || `column${index + 1}`) };
}

/** Rows that hold a value; null where the text is not written so. */
function rowsOf(head: string, delimiter: string, quote: string): string[][] | null {
  try {
    const rows: string[][] = parse(head, {
      delimiter,
      quote: quote === '' ? null : quote,
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      to: LINES,
    });
    return rows.filter((row) => row.some((value) => value.trim() !== ''));
  } catch {
    return null;
  }
}

/** How regular the rows are: the part that has the usual width, more for more than one column. */
function scoreOf(rows: readonly string[][]): number {
  const width = usualWidth(rows);
  const part = rows.filter((row) => filled(row) <= width && row.length >= width).length / Math.max(1, rows.length);
  return width < 2 ? 0.1 : part + Math.min(width, 20) / 1_000;
}

function usualWidth(rows: readonly string[][]): number {
  const widths = new Map<number, number>();
  for (const { length } of rows) widths.set(length, (widths.get(length) ?? 0) + 1);
  return [...widths].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0])[0];
}

/** Values up to the last that is not empty. */
function filled(row: readonly string[]): number {
  return row.findLastIndex((value) => value.trim() !== '') + 1;
}

function isQuotedBy(rows: readonly string[][], quote: string): boolean {
  return rows.length > 0 && rows.every((row) => row.some((value) => value.startsWith(quote)));
}

/** Index of the row that names the columns; -1 where none does. A line of comment (`# …`) may have as many words as there are columns. */
function headerOf(rows: readonly string[][]): number {
  const width = usualWidth(rows);
  const isWide = (row: readonly string[]): boolean =>
    row.length >= width && filled(row) <= width && filled(row) >= Math.min(2, width);
  const isComment = (row: readonly string[]): boolean => row[0]?.trim().startsWith('#') === true;
  const names = (row: readonly string[]): boolean => isWide(row) && !isData(row);
  const named = rows.findIndex((row) => names(row) && !isComment(row));
  const data = rows.findIndex((row) => isWide(row) && isData(row) && !isComment(row));
  if (named !== -1 && (data === -1 || named < data)) return named;
  const above = rows[data - 1];
  return above && names(above) ? data - 1 : -1;
}

/** How many rows between the header and the first with a number are none themselves, though all that follow are: units, kinds. */
function unitsBehind(rows: readonly string[][], at: number): number {
  const rest = rows.slice(at + 1);
  const first = rest.findIndex(isData);
  return first > 0 && first <= MAX_UNITS && rest.length > 2 * first && rest.slice(first).every(isData) ? first : 0;
}

const MAX_UNITS = 3;

function isData(row: readonly string[]): boolean {
  return row.some((value) => /^[-+]?[\d.,]*\d(e[-+]?\d+)?$/i.test(value.trim()) || looksLikeTime(value.trim()));
}
