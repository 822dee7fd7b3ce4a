/**
 * Rows of a csv file by column name, all values as the text that stands there. A row names the columns, or the Pipeline does.
 *
 * Invariants:
 * - Every row is given that holds a value: one of nothing but delimiters and spaces is none, as an empty line is none; an empty
 *   value in quotes was written by somebody, and is one. Empty values behind the last column are none either. A row that cannot be
 *   read (another number of columns, a stray or unclosed quote, bytes that are no UTF-8, too long) is given as the bytes of its
 *   line with the reason, and reading goes on at the next line: an unclosed quote costs one line, not the rest of the file.
 * - Memory is bounded: a row is given up when it exceeds `maxBytes`. So is time: after a line that was given up only a little
 *   is read ahead, since all that stands behind another such line is read again.
 */
import { isUtf8 } from 'node:buffer';
import { finished } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { newRow } from '@millrace/core/record/row.ts';
import { type CsvError, Parser } from 'csv-parse';
import { type CsvColumn, columnsIn, givenColumns } from './csvHeader.ts';
import { columnsApart, SPACES, withoutGaps } from './delimiter.ts';
import { Collector, InputError, type Open, type Piece, type Pieces, type ReadFrom, type ReadRules } from './piece.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** Read ahead after a line that was given up; twice as much each time that goes well. */
const FIRST_WINDOW_BYTES = 1_024;

export async function* readCsv(open: Open, from: ReadFrom, rules: ReadRules): AsyncGenerator<Pieces> {
  const given = rules.csv.columns === null ? null : givenColumns(rules.csv.columns);
  const columns = given ?? (from.byte === 0 ? null : await readHeader(open, rules));
  const rows = new Rows(from, rules, columns);
  for await (const chunk of open(from.byte)) {
    rows.add(chunk);
    yield { pieces: rows.take(), crc: rows.crc };
  }
  await rows.end();
  yield { pieces: rows.take(), crc: rows.crc };
}

async function readHeader(open: Open, rules: ReadRules): Promise<CsvColumn[] | null> {
  const rows = new Rows({ byte: 0, crc: 0 }, rules, null);
  for await (const chunk of open(0)) {
    rows.add(chunk);
    if (rows.columns) return rows.columns;
  }
  await rows.end();
  return rows.columns;
}

class Rows {
  columns: CsvColumn[] | null;
  /** Of everything before `#start`. */
  crc: number;
  readonly #rules: ReadRules;
  /** Rows that come before the first record: up to the one that names the columns, and those behind it that are none. */
  #before: number;
  #pieces: Piece[] = [];
  /** Bytes of which no piece was made yet, and where in the file they start. */
  #rest: Buffer = Buffer.alloc(0);
  #start: number;
  /** Has taken `#rest` up to `#parsed`; null: to be made anew at `#start`. */
  #parser: Parser | null = null;
  #parsed = 0;
  /** How many bytes the parser gets at a time. */
  #window = Number.POSITIVE_INFINITY;
  /** What the parser found: values of a row, and the byte in the file where the next one starts. */
  #found: { values: string[]; end: number }[] = [];
  /** The line that is being given up, until its end is seen. */
  #givenUp: { line: Collector; start: number; reason: string } | null = null;

  constructor(from: ReadFrom, rules: ReadRules, columns: CsvColumn[] | null) {
    this.#start = from.byte;
    this.#before = from.byte === 0 ? rules.csv.header + rules.csv.skip : 0;
    this.crc = from.crc;
    this.#rules = rules;
    this.columns = columns;
  }

  take(): Piece[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  add(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#parse(false);
  }

  async end(): Promise<void> {
    for (;;) {
      this.#parse(true);
      const parser = this.#parser ?? this.#startParser();
      let failure: string | null = null;
      try {
        parser.end();
        parser.resume();
        await finished(parser);
      } catch (error) {
        failure = (error as CsvError).message;
      }
      if (this.#takeRows()) continue;
      if (failure === null) break;
      this.#giveUp(failure);
    }
    this.#consume(this.#rest.length);
  }

  /** Gives the parser what it has not taken of `#rest`. @param last whether the file ends with it */
  #parse(last: boolean): void {
    for (;;) {
      if (this.#givenUp && !this.#skipLine(last)) return;
      const parser = this.#parser ?? this.#startParser();
      const to = Math.min(this.#rest.length, this.#parsed + this.#window);
      parser.write(this.#rest.subarray(this.#parsed, to));
      this.#parsed = to;
      if (this.#takeRows()) continue;
      if (parser.errored) {
        this.#giveUp(parser.errored.message);
        continue;
      }
      this.#window *= 2;
      if (this.#parsed === this.#rest.length) return;
    }
  }

  #startParser(): Parser {
    const base = this.#start;
    const hasGaps = this.#rules.csv.delimiter === SPACES;
    this.#parsed = 0;
    this.#found = [];
    const parser = new Parser({
      bom: base === 0,
      ...columnsApart(this.#rules.csv.delimiter),
      quote: this.#rules.csv.quote === '' ? null : this.#rules.csv.quote,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true, // counted below, where the bytes of the row are at hand
      skip_empty_lines: true,
      max_record_size: this.#rules.maxBytes,
      on_record: (values: string[], { bytes }) => {
        this.#found.push({ values: hasGaps ? withoutGaps(values) : values, end: base + bytes });
        return null; // nothing goes through the stream: rows are taken from #found after each write
      },
    });
    parser.on('error', () => undefined); // read from `errored`, or thrown by `finished`
    this.#parser = parser;
    return parser;
  }

  /** Makes pieces of the rows found; true: one of them was given up, and the parser must start anew. */
  #takeRows(): boolean {
    const found = this.#found;
    const { quote } = this.#rules.csv;
    this.#found = [];
    for (const { values, end } of found) {
      const start = this.#start;
      const taken = this.#rest.subarray(0, end - start);
      const leading = taken.findIndex((byte) => !isLineEnd(byte));
      const bytes = taken.subarray(leading, 1 + taken.findLastIndex((byte) => !isLineEnd(byte)));
      if (values.every((value) => value.trim() === '') && !(quote !== '' && bytes.includes(quote))) {
        this.#consume(end - start);
        continue;
      }
      if (this.#before > 0) {
        this.#before -= 1;
        if (this.#before === this.#rules.csv.skip) this.columns ??= columnsIn(values, bytes, this.#rules);
        this.#consume(end - start);
        continue;
      }
      const reason = this.#mistake(values, bytes);
      if (reason !== null && bytes.some(isLineEnd)) {
        this.#giveUp(reason);
        return true;
      }
      this.#consume(end - start);
      const place = { bytes, start: start + leading, end, crc: this.crc };
      this.#pieces.push(reason === null ? { ...place, row: this.#row(values) } : { ...place, unreadable: reason });
    }
    return false;
  }

  #mistake(values: string[], bytes: Buffer): string | null {
    const columns = this.columns ?? [];
    const expected = columns.length;
    const isLong = values.length > expected && values.slice(expected).some((value) => value !== '');
    if (isLong || columns.slice(values.length).some(({ unnamed }) => !unnamed))
      return `the csv row has ${values.length} values; the header names ${expected} columns`;
    return isUtf8(bytes) ? null : 'the csv row is no UTF-8 text';
  }

  #row(values: string[]): Record<string, string> {
    const row = newRow() as Record<string, string>; // a column may be called __proto__
    const columns = this.columns ?? [];
    for (let at = 0; at < columns.length; at++) {
      const { name, unnamed } = columns[at] as CsvColumn;
      const value = values[at] ?? '';
      if (!unnamed || value !== '') row[name] = value;
    }
    return row;
  }

  #giveUp(reason: string): void {
    if (this.#before > 0) throw new InputError(`the header of ${this.#rules.name} cannot be read: ${reason}`);
    this.#parser = null;
    this.#window = FIRST_WINDOW_BYTES;
    this.#givenUp = { line: new Collector(this.#rules.maxBytes), start: this.#start, reason: withoutLine(reason) };
  }

  /** Takes the first line of `#rest` as it is; false where its end is not there yet. */
  #skipLine(last: boolean): boolean {
    const givenUp = this.#givenUp;
    if (!givenUp) return true;
    let from = 0;
    if (givenUp.line.length === 0) {
      while (isLineEnd(this.#rest[from])) from++;
      givenUp.start = this.#start + from;
    }
    let to = from;
    while (to < this.#rest.length && !isLineEnd(this.#rest[to])) to++;
    givenUp.line.add(this.#rest.subarray(from, to));
    const ended = to < this.#rest.length || last;
    this.#consume(to);
    if (!ended) return false;
    const { start, reason } = givenUp;
    this.#pieces.push({ ...givenUp.line.take(), unreadable: reason, start, end: this.#start, crc: this.crc });
    this.#givenUp = null;
    return true;
  }

  #consume(length: number): void {
    this.crc = crc32(this.#rest.subarray(0, length), this.crc);
    this.#rest = this.#rest.subarray(length);
    this.#start += length;
    this.#parsed -= length;
  }
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === NEWLINE || byte === RETURN;
}

/** The parser counts lines from where it was started, which tells nobody a place in the file. */
function withoutLine(reason: string): string {
  return reason.replace(/ at line \d+/, '');
}
