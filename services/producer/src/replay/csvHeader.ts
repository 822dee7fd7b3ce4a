/** The row of a csv file that names the columns. */
import { isUtf8 } from 'node:buffer';
import { RECORD_LIMITS } from '@millrace/core/record/jsonScan.ts';
import { InputError, type ReadRules } from './piece.ts';

export interface CsvColumn {
  name: string;
  /** Nothing names it: a value there is kept, an empty one is none. */
  unnamed: boolean;
}

/** Columns that the Pipeline names. */
export function givenColumns(names: readonly string[]): CsvColumn[] {
  return names.map((name) => ({ name, unnamed: false }));
}

/**
 * Columns by name, without space around it; one without a name gets `column<n>`, counted from 1.
 * @throws InputError for a header that would lose or mix up values, saying what to do
 */
export function columnsIn(values: readonly string[], bytes: Buffer, { name, csv: { delimiter } }: ReadRules): CsvColumn[] {
  if (values.length > RECORD_LIMITS.names)
    throw new InputError(
      `the header of ${name} names ${values.length} columns; allowed are at most ${RECORD_LIMITS.names} in one record`,
    );
  if (!isUtf8(bytes))
    throw new InputError(`the header of ${name} is no UTF-8 text; set source.replay.encoding, or save the file as UTF-8`);
  const nul = values.find((value) => value.includes('\0'));
  if (nul !== undefined)
    throw new InputError(`the header of ${name} has a NUL in the column ${JSON.stringify(nul.slice(0, 80))}; allowed is text`);
  const only = values.length === 1 ? (values[0] as string) : '';
  const other = [';', '\t', '|', ','].find((candidate) => candidate !== delimiter && only.includes(candidate));
  if (other === undefined && /\S {2,}\S/.test(only))
    throw new InputError(
      `the header of ${name} is one column, ${JSON.stringify(only.slice(0, 200))}; if columns are separated by spaces, set source.replay.delimiter to whitespace`,
    );
  if (other !== undefined)
    throw new InputError(
      `the header of ${name} is one column, ${JSON.stringify(only.slice(0, 200))}; if columns are separated by ${JSON.stringify(other)}, set source.replay.delimiter`,
    );
  const columns = values.map((value, at) => ({ name: value.trim() || `column${at + 1}`, unnamed: value.trim() === '' }));
  const seen = new Set<string>();
  const twice = columns.find((column) => seen.size === seen.add(column.name).size);
  if (twice !== undefined)
    throw new InputError(
      `the header of ${name} names the column ${JSON.stringify(twice.name)} twice; allowed are different names, or source.replay.columns, which names them all`,
    );
  return columns;
}
