/** Names and values inside SQL text. Everything that is not a bound parameter goes through here. */
import pg from 'pg';

/** Longest name that PostgreSQL keeps whole (NAMEDATALEN - 1); longer ones are cut silently, so they are refused. */
export const MAX_NAME_BYTES = 63;

/** A name of a column, table, schema … as SQL writes it: `select` becomes `"select"`. */
export function quote(name: string): string {
  return pg.escapeIdentifier(name);
}

/** A table (view, index …) with its schema: `"default"."traffic_events"`. */
export function table(schema: string, name: string): string {
  return `${quote(schema)}.${quote(name)}`;
}

/** Names as a list: `"time", "device"`. */
export function list(names: readonly string[]): string {
  return names.map(quote).join(', ');
}

/** A text value for utility statements, which take no parameters (COMMENT, CREATE …). */
export function literal(value: string): string {
  return pg.escapeLiteral(value);
}
