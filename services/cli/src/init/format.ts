/** Which of the formats a text is in, and how a csv file is written: delimiter, quote, which row names the columns. */
import { columnsApart, SPACES, withoutGaps } from '@millrace/producer/replay/delimiter.ts';
import type { Format } from '@millrace/producer/replay/files.ts';
import { parse } from 'csv-parse/sync';
import { filled, guessHeader, type Header } from './header.ts';

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

/** Its names are those of the header, or `column1` … where there is none. */
export interface Dialect extends Header {
  delimiter: string;
  quote: string;
}

const DELIMITERS = [',', ';', '\t', '|', ' ', SPACES];
/** A delimiter that is one in few texts must show a regular table, the last one more so: it takes any text for one. */
const DOUBT: Readonly<Record<string, number>> = { ' ': 0.5, [SPACES]: 0.49 };
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
      const score = scoreOf(rows) * (DOUBT[delimiter] ?? 1) * (quote === '' ? 0.9 : 1);
      if (score > best.score) best = { score, delimiter, quote, rows };
    }
  }
  const { delimiter } = best;
  const single = best.quote === '"' && isQuotedBy(best.rows, "'") ? rowsOf(head, delimiter, "'") : null;
  const quote = single && scoreOf(single) >= best.score - SLIGHT ? "'" : best.quote;
  const rows = quote === "'" && single ? single : best.rows;
  const { names, ...header } = guessHeader(rows, usualWidth(rows));
  return { delimiter, quote, ...header, names: names.map((name, index) => name.trim() || `column${index + 1}`) };
}

/** Rows that hold a value; null where the text is not written so. */
function rowsOf(head: string, delimiter: string, quote: string): string[][] | null {
  try {
    const rows: string[][] = parse(head, {
      ...columnsApart(delimiter),
      quote: quote === '' ? null : quote,
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      to: LINES,
    });
    return rows.map(withoutGaps).filter((row) => row.some((value) => value.trim() !== ''));
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

function isQuotedBy(rows: readonly string[][], quote: string): boolean {
  return rows.length > 0 && rows.every((row) => row.some((value) => value.startsWith(quote)));
}
