/** From records to columns: of csv the columns of the header, of JSON every path that leads to a value. */
import { RawNumber } from '@millrace/core/record/json.ts';
import type { Column } from './column.ts';

export interface Columns {
  columns: Column[];
  /** Paths to what no column can hold: arrays, and what is an object in one record and a value in another. */
  others: string[];
}

/** So many paths are looked at; what lies behind them is kept as unknown fields. */
const MAX_COLUMNS = 650;

/** @param names of the columns of a csv file, in order. @param unnamed those of them that the file does not name */
export function csvColumns(
  rows: readonly Record<string, string>[],
  names: readonly string[],
  unnamed: ReadonlySet<string>,
): Columns {
  const columns = names.slice(0, MAX_COLUMNS).map((path) => ({
    path,
    texts: rows.map((row) => (Object.hasOwn(row, path) ? (row[path] ?? null) : null)),
    unnamed: unnamed.has(path),
  }));
  return { columns, others: names.slice(MAX_COLUMNS) };
}

export function jsonColumns(records: readonly Record<string, unknown>[]): Columns {
  const texts = new Map<string, (string | null)[]>();
  const others = new Set<string>();
  for (const [at, record] of records.entries()) collect(record, '', at);
  return {
    columns: [...texts]
      .filter(([path]) => !others.has(path))
      .map(([path, found]) => ({ path, texts: filledTo(found, records.length), unnamed: false })),
    others: [...others],
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
        while (found.length < at) found.push(null);
        found[at] = text;
      }
    }
  }
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
