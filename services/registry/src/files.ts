/**
 * Files of a registry as entries, with the place where each stands. YAML has a list for each table (`devices:`, `pins:` …); a CSV file is
 * one table, named after it (`devices.csv`), with its columns in the first row.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { readDocuments } from '@millrace/core/spec/documents.ts';
import type { Path, Problem } from '@millrace/core/spec/problem.ts';
import { CsvError, parse } from 'csv-parse/sync';
import { namesFor } from './problems.ts';
import { TABLE_NAMES, type TableName } from './tables.ts';

/** A CSV of a hundred thousand pins is 5 MB. */
const MAX_CSV_BYTES = 67_108_864;

/** An entry as it stands in a file, not checked. */
export interface RawEntry {
  table: TableName;
  values: Readonly<Record<string, unknown>>;
  /** Where the entry or one of its columns stands. */
  at(column?: string): Place;
}

interface Place {
  file: string;
  line: number;
  column: number;
  path: string;
}

export interface Files {
  entries: RawEntry[];
  problems: Problem[];
}

/** Reads files, and folders with a CSV file for some of the tables. Throws nothing that a person can mend: those are problems. */
export async function readFiles(paths: readonly string[]): Promise<Files> {
  const all: Files = { entries: [], problems: [] };
  for (const path of paths) {
    for (const file of await filesAt(path)) {
      const { entries, problems } = await readOne(file);
      all.entries.push(...entries);
      all.problems.push(...problems);
    }
  }
  return all;
}

/** The CSV files of a folder that are there, in the order of tables; any other path as it is. */
async function filesAt(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false, // reading it says why
  );
  if (!isFolder) return [path];
  const named = TABLE_NAMES.map((name) => join(path, `${name}.csv`));
  const there = await Promise.all(
    named.map((file) =>
      stat(file).then(
        (found) => found.isFile(),
        () => false,
      ),
    ),
  );
  const files = named.filter((_, index) => there[index]);
  return files.length > 0 ? files : named.slice(0, 1);
}

async function readOne(file: string): Promise<Files> {
  if (file === '-') return readYaml(await buffer(process.stdin), 'standard input');
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const found = code === 'ENOENT' ? 'no such file' : message;
    const allowed = `a YAML file, or one of ${TABLE_NAMES.map((name) => `${name}.csv`).join(', ')}`;
    return refused({ file, line: 1, column: 1, path: '' }, 'the file cannot be read', found, allowed);
  }
  return extname(file).toLowerCase() === '.csv' ? readCsv(bytes, file) : readYaml(bytes, file);
}

/** The entries of a CSV file. */
export function readCsv(bytes: Buffer, file: string): Files {
  const table = basename(file, extname(file));
  const place = (line: number): Place => ({ file, line, column: 1, path: '' });
  if (!isTable(table)) return refused(place(1), 'the name of the file names no table', table, namesFor(table, TABLE_NAMES));
  if (bytes.length > MAX_CSV_BYTES)
    return refused(place(1), 'the file is too large', `${bytes.length} bytes`, `at most ${MAX_CSV_BYTES} bytes`);
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes); // takes a BOM away
    rows = parse(text, { info: true, skip_empty_lines: true, relax_column_count: true }) as unknown as typeof rows;
  } catch (error) {
    const line = error instanceof CsvError ? Number(error.lines ?? 1) : 1;
    const found = error instanceof CsvError ? error.message : 'bytes that are not UTF-8';
    return refused(
      place(line),
      'the file is no CSV',
      found,
      'CSV in UTF-8, with commas, texts in double quotes where they hold one',
    );
  }
  const [header, ...others] = rows;
  if (!header) return refused(place(1), 'the file is empty', 'nothing', 'a row with the names of columns');
  const names = header.record.map((name) => name.trim());
  const files: Files = { entries: [], problems: [] };
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return refused(place(1), 'a column comes twice', JSON.stringify(twice), 'each column once');
  for (const { record, info } of others) {
    const at = (column?: string): Place => ({ ...place(info.lines), path: column ?? '' });
    if (record.length !== names.length) {
      const one = refused(
        at(),
        'the row has another number of values than the first',
        `${record.length} values`,
        `${names.length}`,
      );
      files.problems.push(...one.problems);
      continue;
    }
    // An empty value is none.
    const values = Object.fromEntries(names.map((name, index) => [name, record[index] === '' ? null : record[index]]));
    files.entries.push({ table, values, at });
  }
  return files;
}

/** The entries of a YAML (or JSON) file. */
export function readYaml(bytes: Buffer, file: string): Files {
  const { documents, problems } = readDocuments(bytes, file);
  const files: Files = { entries: [], problems: [...problems] };
  if (documents.length === 0 && problems.length === 0)
    return refused(
      { file, line: 1, column: 1, path: '' },
      'the file is empty',
      'nothing',
      `lists named ${TABLE_NAMES.join(', ')}`,
    );
  for (const { value, locate } of documents) {
    const placeAt = (path: Path, at?: 'name'): Place => ({ file, ...locate(path, at), path: path.join('.') });
    if (!isObject(value)) {
      files.problems.push(
        ...refused(placeAt([]), 'the file is no object', typeof value, `lists named ${TABLE_NAMES.join(', ')}`).problems,
      );
      continue;
    }
    for (const [table, list] of Object.entries(value)) {
      if (!isTable(table) || !Array.isArray(list)) {
        const message = isTable(table) ? 'this is no list' : 'there is no such table';
        const allowed = isTable(table) ? 'a list of entries' : namesFor(table, TABLE_NAMES);
        files.problems.push(...refused(placeAt([table], 'name'), message, JSON.stringify(table), allowed).problems);
        continue;
      }
      for (const [index, values] of list.entries()) {
        const at = (column?: string): Place => placeAt([table, index, ...(column === undefined ? [] : [column])]);
        if (isObject(values)) files.entries.push({ table, values, at });
        else files.problems.push(...refused(at(), 'this is no entry', JSON.stringify(values), 'an object with columns').problems);
      }
    }
  }
  return files;
}

function isTable(name: string): name is TableName {
  return TABLE_NAMES.some((table) => table === name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(place: Place, message: string, found: string, allowed: string): Files {
  return { entries: [], problems: [{ ...place, message, found: found.slice(0, 200), allowed }] };
}
