/** Which rows of a csv file name its columns, which behind them are no records, and what units they say. */
import { looksLikeTime } from './time.ts';
import { unitNamed } from './unit.ts';

export interface Header {
  /** Which row that holds a value names the columns, from 1; 0: none. */
  header: number;
  /** How many rows behind it are no records. */
  skip: number;
  /** What the rows say, or `''` where nothing names a column. */
  names: string[];
  /** Whether several rows name the columns together, which the reader does not know. */
  isJoined: boolean;
  /** What a row behind the header says, by column. */
  units: (string | null)[];
}

/** So many rows may stand between the names and the records. */
const MAX_SKIP = 3;
const MAX_SKIP_TIMED = 8;

/** @param rows that hold a value. @param width how many values most of them have */
export function guessHeader(rows: readonly (readonly string[])[], width: number): Header {
  const isWide = (row: readonly string[]): boolean =>
    row.length >= width && filled(row) <= width && filled(row) >= Math.min(2, width);
  const wide = rows.filter(isWide);
  // Where records have a time in words, a row without one is none, whatever numbers are in it.
  const isTimed = wide.filter(hasTime).length * 2 >= wide.length;
  const isRecord = isTimed ? hasTime : isData;
  const isComment = (row: readonly string[]): boolean => row[0]?.trim().startsWith('#') === true;
  const isName = (row: readonly string[]): boolean => isWide(row) && !isRecord(row);
  const named = rows.findIndex((row) => isName(row) && !isComment(row));
  const data = rows.findIndex((row) => isWide(row) && isRecord(row) && !isComment(row));
  if (named === -1 || (data !== -1 && data < named)) return ofComments(rows, data, isName) ?? without(rows, data);
  if (data === -1) return { header: named + 1, skip: 0, names: [...(rows[named] ?? [])], isJoined: false, units: [] };
  const block = rows.slice(named, data);
  if (!isTimed) {
    const skip = unitsBehind(rows, named, isRecord);
    return of(named, skip, rows);
  }
  // A row with numbers right before the first time may be a record that lacks its time: that is refused, not passed over.
  const last = block.at(-1) ?? [];
  if (block.length === 1 || block.length > MAX_SKIP_TIMED || last.some(isNumber)) return of(named, 0, rows);
  const best = block.reduce((found, row, at) => (difference(row) > difference(block[found] ?? []) ? at : found), 0);
  if (difference(block[best] ?? []) === width) return of(named + best, block.length - best - 1, rows);
  return {
    header: named + 1,
    skip: block.length - 1,
    names: joined(block, width),
    isJoined: true,
    units: unitsIn(block.slice(1), width),
  };
}

function of(at: number, skip: number, rows: readonly (readonly string[])[]): Header {
  const names = [...(rows[at] ?? [])];
  return { header: at + 1, skip, names, isJoined: false, units: unitsIn(rows.slice(at + 1, at + 1 + skip), names.length) };
}

function without(rows: readonly (readonly string[])[], data: number): Header {
  const width = Math.max(0, ...rows.slice(Math.max(0, data)).map(({ length }) => length));
  return { header: 0, skip: 0, names: Array.from({ length: width }, () => ''), isJoined: false, units: [] };
}

/** Names that stand in a comment right above the records, or above a comment with units; null where there is none. */
function ofComments(
  rows: readonly (readonly string[])[],
  data: number,
  isName: (row: readonly string[]) => boolean,
): Header | null {
  const [second, above] = [rows[data - 2], rows[data - 1]];
  if (!above || !isName(above)) return null;
  return second && isName(second) && isUnitRow(above) ? of(data - 2, 1, rows) : of(data - 1, 0, rows);
}

/** How many rows between the header and the first with a number are none themselves, though all that follow are: units, kinds. */
function unitsBehind(rows: readonly (readonly string[])[], at: number, isRecord: (row: readonly string[]) => boolean): number {
  const rest = rows.slice(at + 1);
  const first = rest.findIndex(isRecord);
  return first > 0 && first <= MAX_SKIP && rest.length > 2 * first && rest.slice(first).every(isRecord) ? first : 0;
}

/** How many different names a row would give. */
function difference(row: readonly string[]): number {
  return new Set(row.map((value) => value.trim()).filter((value) => value !== '' && !isNumber(value))).size;
}

/** Where no row alone tells the columns apart: those together that do, from the first on, without units. */
function joined(block: readonly (readonly string[])[], width: number): string[] {
  const rows = block.filter((row) => !isUnitRow(row));
  let names = Array.from({ length: width }, (_, at) => (rows[0]?.[at] ?? '').trim());
  for (const row of rows.slice(1)) {
    const more = names.map((name, at) => `${name} ${row[at]?.trim() ?? ''}`.trim());
    if (difference(more) > difference(names)) names = more;
  }
  return names.map((name, at) => name || (block.map((row) => row[at]?.trim() ?? '').find((value) => value !== '') ?? ''));
}

function unitsIn(rows: readonly (readonly string[])[], width: number): (string | null)[] {
  const row = rows.findLast(isUnitRow);
  return row ? Array.from({ length: width }, (_, at) => unitNamed(plain(row[at] ?? ''))) : [];
}

/** Whether more than half of what it says are units. */
function isUnitRow(row: readonly string[]): boolean {
  const values = row.map(plain).filter((value) => value !== '');
  return values.filter((value) => unitNamed(value) !== null).length * 2 > values.length;
}

/** Without the sign of a comment. */
function plain(value: string): string {
  return value.trim().replace(/^#\s*/, '');
}

/** Values up to the last that is not empty. */
export function filled(row: readonly string[]): number {
  return row.findLastIndex((value) => value.trim() !== '') + 1;
}

function isData(row: readonly string[]): boolean {
  return row.some((value) => isNumber(value)) || hasTime(row);
}

function isNumber(value: string): boolean {
  return /^[-+]?[\d.,]*\d(e[-+]?\d+)?$/i.test(value.trim());
}

function hasTime(row: readonly string[]): boolean {
  return row.some((value) => looksLikeTime(value.trim()));
}
