/** From records to columns: of csv the columns of the header, of JSON every path that leads to a value. */
import { RawNumber } from '@millrace/core/record/json.ts';
import type { Column } from './column.ts';

export interface Columns {
  columns: Column[];
  /** Paths to what no column can hold: most arrays, and what is an object in one record and a value in another. */
  others: string[];
  /** Paths to arrays of objects, with how many elements all of them have. */
  lists: Map<string, number>;
}

/** So many paths are looked at; what lies behind them is kept as unknown fields. */
const MAX_COLUMNS = 650;

/**
 * @param names of the columns of a csv file, in order
 * @param unnamed those of them that the file does not name
 * @param units by column, where a row of the file says them
 */
export function csvColumns(
  rows: readonly Record<string, string>[],
  names: readonly string[],
  unnamed: ReadonlySet<string>,
  units: readonly (string | null)[] = [],
): Columns {
  // A header may come again where files were joined: a record it is not.
  const records = rows.filter((row) => !names.every((name) => (row[name] ?? '').trim() === name));
  const columns = names.slice(0, MAX_COLUMNS).map((path, at): Column => {
    const unit = units[at] ?? null;
    return {
      path,
      texts: records.map((row) => (Object.hasOwn(row, path) ? (row[path] ?? null) : null)),
      unnamed: unnamed.has(path),
      ...(unit === null ? {} : { unit }),
    };
  });
  return { columns, others: names.slice(MAX_COLUMNS), lists: new Map() };
}

export function jsonColumns(records: readonly Record<string, unknown>[]): Columns {
  const texts = new Map<string, (string | null)[]>();
  /** Paths at which something else stood than a number. */
  const worded = new Set<string>();
  const others = new Set<string>();
  const lists = new Map<string, number>();
  /** Arrays of which each place is a column. */
  const vectors = new Set<string>();
  for (const [at, record] of records.entries()) collect(record, '', at);
  return {
    columns: [...texts]
      .filter(([path]) => !others.has(path) && !(vectors.has(parentOf(path)) && others.has(parentOf(path))))
      .map(([path, found]) => ({
        path,
        texts: filledTo(found, records.length),
        unnamed: false,
        isNumber: !worded.has(path),
      })),
    others: [...others],
    lists,
  };

  function collect(object: Record<string, unknown>, prefix: string, at: number): void {
    for (const [name, value] of Object.entries(object)) {
      const path = prefix + name;
      if (path === '' || value === undefined) continue;
      if (isPlainObject(value)) {
        if (texts.get(path)?.some((text) => text !== null)) others.add(path);
        else collect(value, `${path}.`, at);
        continue;
      }
      if (isVector(value) && !texts.get(path)?.some((text) => text !== null)) {
        vectors.add(path);
        collect(Object.fromEntries(value.entries()), `${path}.`, at);
        continue;
      }
      if (Array.isArray(value) && value.length > 0 && value.every(isPlainObject))
        lists.set(path, (lists.get(path) ?? 0) + value.length);
      const text = textOf(value);
      const isNested = [...texts.keys()].some((known) => known.startsWith(`${path}.`));
      if (text === undefined || (isNested && text !== null)) others.add(path);
      else if (isNested) continue;
      else {
        const found = texts.get(path) ?? [];
        if (found.length === 0 && texts.size >= MAX_COLUMNS) {
          others.add(path);
          continue;
        }
        texts.set(path, found);
        if (typeof value === 'string' || typeof value === 'boolean') worded.add(path);
        while (found.length < at) found.push(null);
        found[at] = text;
      }
    }
  }
}

/** So many numbers of an array are columns: the currents of three phases, a longitude and a latitude. */
const MAX_VECTOR = 8;

function isVector(value: unknown): value is unknown[] {
  const isNumber = (element: unknown): boolean =>
    /^(?:number|bigint|boolean)$/.test(typeof element) || element instanceof RawNumber;
  return Array.isArray(value) && value.length <= MAX_VECTOR && value.every((element) => element === null || isNumber(element));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}

function filledTo(texts: (string | null)[], length: number): (string | null)[] {
  while (texts.length < length) texts.push(null);
  return texts;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof RawNumber);
}

/** undefined: no column can hold it. */
function textOf(value: unknown): string | null | undefined {
  if (value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return value instanceof RawNumber ? value.source : undefined;
}
