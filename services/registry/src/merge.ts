/**
 * From what is there and what files say to what shall be there. Pure.
 *
 * Invariants: either everything is right, or nothing is changed and every problem is told with its place; an entry that no file names stays,
 * unless the files are the whole registry.
 */
import type { Problem } from '@millrace/core/spec/problem.ts';
import type { RawEntry } from './files.ts';
import { namesFor, RegistryError } from './problems.ts';
import {
  type ColumnRule,
  type Content,
  type Entry,
  keyOf,
  type RegistryColumn,
  TABLE_NAMES,
  TABLES,
  type TableName,
  valuesOf,
} from './tables.ts';

interface Checked {
  raw: RawEntry;
  entry: Entry;
}

/**
 * The registry after an import.
 * @param whole the files are all of it: what they do not name is gone
 * @throws RegistryError with all problems
 */
export function merged(now: Content, raw: readonly RawEntry[], problems: readonly Problem[], whole: boolean): Content {
  const found: Problem[] = [...problems];
  const checked = raw.flatMap((one): Checked[] => {
    const { entry, problems: own } = entryOf(one);
    found.push(...own);
    return entry === null ? [] : [{ raw: one, entry }];
  });
  found.push(...twice(checked));
  const after = Object.fromEntries(
    TABLE_NAMES.map((name) => {
      const own = checked.filter(({ raw: { table } }) => table === name).map(({ entry }) => entry);
      return [name, whole ? keepingOrder(name, now[name], own) : [...together(name, now[name], own).values()]];
    }),
  ) as unknown as Content;
  if (found.length === 0) found.push(...unresolved(after, checked));
  if (found.length > 0) throw new RegistryError(found);
  return after;
}

/** Entries by key; what is there keeps its place. */
function together(name: TableName, now: readonly Entry[], own: readonly Entry[]): Map<string, Entry> {
  return new Map([...now, ...own].map((entry) => [keyOf(name, entry), entry]));
}

/** Those of the files, datapoints in the order in which they were there. */
function keepingOrder(name: TableName, now: readonly Entry[], own: readonly Entry[]): Entry[] {
  const kept = new Set(own.map((entry) => keyOf(name, entry)));
  return [...together(name, now, own)].filter(([key]) => kept.has(key)).map(([, entry]) => entry);
}

function entryOf({ table, values, at }: RawEntry): { entry: Entry | null; problems: Problem[] } {
  const { columns } = TABLES[table];
  const names = columns.map(({ name }) => name);
  const problems: Problem[] = Object.keys(values)
    .filter((name) => !names.includes(name))
    .map((name) => ({
      ...at(name),
      message: `${table} have no such column`,
      found: JSON.stringify(name),
      allowed: namesFor(name, names),
    }));
  const entry = columns.map((column): [string, Entry[string]] => {
    const value = columnValue(column, values[column.name] ?? null);
    if (typeof value !== 'object' || value === null) return [column.name, value];
    problems.push({
      ...at(column.name),
      message: `${column.name} of ${table} ${value.problem}`,
      found: shown(values[column.name]),
      allowed: allowedBy(column.rule),
    });
    return [column.name, null];
  });
  return { entry: problems.length > 0 ? null : Object.fromEntries(entry), problems };
}

function columnValue({ rule, default: fallback }: RegistryColumn, raw: unknown): Entry[string] | { problem: string } {
  if (raw === null) return fallback === undefined ? { problem: 'is missing' } : fallback;
  switch (rule.type) {
    case 'int': {
      const number = typeof raw === 'string' && /^-?\d{1,9}$/.test(raw.trim()) ? Number(raw) : raw;
      return Number.isInteger(number) && Number(number) >= rule.min && Number(number) <= rule.max
        ? Number(number)
        : { problem: 'is not allowed' };
    }
    case 'enum':
      return typeof raw === 'string' && rule.values.includes(raw) ? raw : { problem: 'is not allowed' };
    case 'text':
      if (typeof raw !== 'string') return { problem: 'is no text; in YAML, put it in quotes' };
      return rule.pattern.test(raw) ? raw : { problem: 'is not allowed' };
  }
}

function allowedBy(rule: ColumnRule): string {
  switch (rule.type) {
    case 'int':
      return `a whole number from ${rule.min} to ${rule.max}`;
    case 'enum':
      return rule.values.join(', ');
    case 'text':
      return rule.allowed;
  }
}

function twice(checked: readonly Checked[]): Problem[] {
  const places = new Map<string, RawEntry>();
  return checked.flatMap(({ raw, entry }): Problem[] => {
    const id = `${raw.table} ${keyOf(raw.table, entry)}`;
    const first = places.get(id);
    if (first === undefined) {
      places.set(id, raw);
      return [];
    }
    const { file, line } = first.at();
    return [{ ...raw.at(), message: `the entry comes twice, first in ${file}:${line}`, found: id, allowed: 'each entry once' }];
  });
}

/** Entries that name what is not there. Of one that no file holds, the file that took the other away is told. */
function unresolved(after: Content, checked: readonly Checked[]): Problem[] {
  const raws = new Map(checked.map(({ raw, entry }) => [entry, raw]));
  return TABLE_NAMES.flatMap((name) =>
    TABLES[name].references.flatMap(({ columns, table }) => {
      const keys = new Set(after[table].map((entry) => keyOf(table, entry)));
      return after[name].flatMap((entry): Problem[] => {
        const wanted = valuesOf(entry, columns);
        if (keys.has(wanted)) return [];
        const place = raws.get(entry)?.at(columns.at(-1)) ?? { file: 'the registry', line: 1, column: 1, path: '' };
        const what = `${name} ${keyOf(name, entry)}: there is no ${columns.join(' and ')} of this name in ${table}`;
        return [{ ...place, message: what, found: wanted, allowed: namesFor(wanted, [...keys]) }];
      });
    }),
  );
}

function shown(value: unknown): string {
  return value === undefined || value === null ? 'nothing' : JSON.stringify(value).slice(0, 200);
}
