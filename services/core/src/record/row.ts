/** A value of a table column as the processor makes it. Times are ISO 8601 text with as many fraction digits as came. */
export type Value = string | number | bigint | boolean | null;

/** One table row by column name, without a prototype; a column that is not there is null. Column `extra` holds JSON text. */
export type Row = Record<string, Value>;
