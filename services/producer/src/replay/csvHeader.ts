/** The first row of a csv file: names of columns. */
import { isUtf8 } from 'node:buffer';
import { RECORD_LIMITS } from '@millrace/core/record/jsonScan.ts';
import { InputError, type ReadRules } from './piece.ts';

/**
 * Column names without space around them; a column without a name gets `column<n>`, counted from 1.
 * @throws InputError for a header that would lose or mix up values, saying what to do
 */
export function columnNames(values: readonly string[], bytes: Buffer, { name, delimiter }: ReadRules): string[] {
  if (values.length > RECORD_LIMITS.names)
    throw new InputError(
      `the header of ${name} names ${values.length} columns; allowed are at most ${RECORD_LIMITS.names} in one record`,
    );
  if (!isUtf8(bytes)) throw new InputError(`the header of ${name} is no UTF-8 text; save the file as UTF-8`);
  const nul = values.find((value) => value.includes('\0'));
  if (nul !== undefined)
    throw new InputError(`the header of ${name} has a NUL in the column ${JSON.stringify(nul.slice(0, 80))}; allowed is text`);
  const only = values.length === 1 ? (values[0] as string) : '';
  const other = [';', '\t', '|', ','].find((candidate) => candidate !== delimiter && only.includes(candidate));
  if (other !== undefined)
    throw new InputError(
      `the header of ${name} is one column, ${JSON.stringify(only.slice(0, 200))}; if columns are separated by ${JSON.stringify(other)}, set source.replay.delimiter`,
    );
  const names = values.map((value, at) => value.trim() || `column${at + 1}`);
  const seen = new Set<string>();
  const twice = names.find((candidate) => seen.size === seen.add(candidate).size);
  if (twice !== undefined)
    throw new InputError(`the header of ${name} names the column ${JSON.stringify(twice)} twice; allowed are different names`);
  return names;
}
