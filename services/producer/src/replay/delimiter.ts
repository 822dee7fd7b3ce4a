/** What stands between two values of a csv file: one character, or any run of spaces and tabs, as in tables that are set to be read. */

/** The word for spaces and tabs, however many of them. */
export const SPACES = 'whitespace';

/** The options of csv-parse for a delimiter; its rows then go through `withoutGaps`. */
export function columnsApart(delimiter: string): { delimiter: string | string[]; cast?: Cast } {
  return delimiter === SPACES ? { delimiter: [' ', '\t'], cast: gapOrValue } : { delimiter };
}

type Cast = (value: string, context: { quoting: boolean }) => string | null;

/** Between two spaces is no value; one that is empty has quotes. */
const gapOrValue: Cast = (value, { quoting }) => (value === '' && !quoting ? null : value);

/** The values of a row. */
export function withoutGaps(values: readonly (string | null)[]): string[] {
  return values.filter((value) => value !== null);
}
