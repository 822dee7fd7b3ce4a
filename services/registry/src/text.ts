/** The registry as files: what `import` reads back is the same. Pure. */
import { stringify } from 'yaml';
import { type Content, type Entry, TABLE_NAMES, TABLES, type TableName } from './tables.ts';

/** One YAML file; members that say nothing beyond their default are left out. */
export function yamlOf(content: Content): string {
  const lists = TABLE_NAMES.filter((name) => content[name].length > 0).map((name) => [
    name,
    content[name].map((entry) =>
      Object.fromEntries(
        TABLES[name].columns
          .filter(({ name: column, default: fallback }) => entry[column] !== fallback)
          .map(({ name: column }) => [column, entry[column]]),
      ),
    ),
  ]);
  return stringify(Object.fromEntries(lists), { lineWidth: 0 });
}

/** One CSV file for each table. */
export function csvOf(content: Content): Map<string, string> {
  return new Map(TABLE_NAMES.map((name) => [`${name}.csv`, tableCsv(name, content[name])]));
}

function tableCsv(table: TableName, entries: readonly Entry[]): string {
  const columns = TABLES[table].columns.map(({ name }) => name);
  const rows = entries.map((entry) => columns.map((name) => quoted(entry[name] ?? null)));
  return [columns, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

/** RFC 4180. */
function quoted(value: Entry[string]): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
