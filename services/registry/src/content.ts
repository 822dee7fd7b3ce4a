/**
 * The registry in the database: read whole, at one point in time, and written in one transaction.
 *
 * Invariant: a datapoint that is there keeps its position when others come or go, so that the rows of a record keep their places.
 */
import { sqlStateOf } from '@millrace/core/database/errors.ts';
import { list, quote, table } from '@millrace/core/database/identifier.ts';
import type { ClientBase, Pool } from 'pg';
import type { Content, Entry, TableName } from './tables.ts';
import { keyOf, TABLE_NAMES, TABLES } from './tables.ts';

const SCHEMA = 'millrace';
const UNDEFINED_TABLE = '42P01';
/** Imports wait for each other. */
const IMPORT_LOCK = 'millrace registry import';

const placeOf = (name: TableName): string => table(SCHEMA, `registry_${name}`);

/** @throws Error where the tables are not there (set-up makes them) or the database does not answer */
export async function readContent(client: ClientBase): Promise<Content> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const content = await readTables(client);
    await client.query('COMMIT');
    return content;
  } catch (error) {
    // Fails only where the connection is gone, and the transaction with it: the first error says why.
    await client.query('ROLLBACK').catch(() => undefined);
    if (sqlStateOf(error) !== UNDEFINED_TABLE) throw error;
    throw new Error('this database has no device registry: `millrace setup` and `millrace registry import` make it', {
      cause: error,
    });
  }
}

async function readTables(client: ClientBase): Promise<Content> {
  const tables: [TableName, Entry[]][] = [];
  for (const name of TABLE_NAMES) {
    const { columns, key } = TABLES[name];
    const order = name === 'datapoints' ? ['template', 'position'] : key;
    const { rows } = await client.query<Entry>(
      `SELECT ${list(columns.map((column) => column.name))} FROM ${placeOf(name)} ORDER BY ${order.map((column) => `${quote(column)}${column === 'position' ? '' : ' COLLATE "C"'}`).join(', ')}`,
    );
    tables.push([name, rows]);
  }
  return Object.fromEntries(tables) as unknown as Content;
}

/** Of one table: how many entries are new, other than before, gone. */
export interface Changes {
  added: number;
  changed: number;
  removed: number;
}

/**
 * Changes the registry in one transaction: what `plan` makes of what is there.
 * @param dryRun it is taken back at the end
 * @returns what was changed, by table
 * @throws what `plan` throws, and nothing is changed then
 */
export async function changeContent(
  database: Pool,
  plan: (now: Content) => Content,
  dryRun: boolean,
): Promise<Record<TableName, Changes>> {
  const client = await database.connect();
  // A connection that breaks says so by an event, and an event without a listener ends the process; the next query fails.
  client.on('error', () => undefined);
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [IMPORT_LOCK]);
    const before = await readTables(client);
    const after = plan(before);
    const changes = await write(client, before, after);
    await client.query(dryRun ? 'ROLLBACK' : 'COMMIT');
    client.release();
    return changes;
  } catch (error) {
    client.release(true); // the transaction ends with it
    throw error;
  }
}

async function write(client: ClientBase, before: Content, after: Content): Promise<Record<TableName, Changes>> {
  const all: [TableName, Changes][] = [];
  for (const name of TABLE_NAMES) {
    const there = new Map(before[name].map((entry) => [keyOf(name, entry), JSON.stringify(entry)]));
    const written = after[name].filter((entry) => there.get(keyOf(name, entry)) !== JSON.stringify(inOrder(name, entry)));
    const added = written.filter((entry) => !there.has(keyOf(name, entry))).length;
    if (written.length > 0) await upsert(client, name, written);
    all.push([name, { added, changed: written.length - added, removed: 0 }]);
  }
  const changes = Object.fromEntries(all) as Record<TableName, Changes>;
  for (const name of TABLE_NAMES.toReversed()) {
    const kept = new Set(after[name].map((entry) => keyOf(name, entry)));
    const removed = before[name].filter((entry) => !kept.has(keyOf(name, entry)));
    changes[name].removed = removed.length;
    if (removed.length > 0) await remove(client, name, removed);
  }
  return changes;
}

/** Members in the order of columns, as the database gives them. */
function inOrder(name: TableName, entry: Entry): Entry {
  return Object.fromEntries(TABLES[name].columns.map((column) => [column.name, entry[column.name] ?? null]));
}

async function upsert(client: ClientBase, name: TableName, entries: readonly Entry[]): Promise<void> {
  const { columns, key } = TABLES[name];
  const names = columns.map((column) => column.name);
  const sets = names.filter((column) => !key.includes(column)).map((column) => `${quote(column)} = EXCLUDED.${quote(column)}`);
  const conflict = `ON CONFLICT (${list(key)}) DO ${sets.length === 0 ? 'NOTHING' : `UPDATE SET ${sets.join(', ')}`}`;
  // Behind those that their template has: whatever conflicts keeps its own.
  const [position, next] =
    name === 'datapoints'
      ? [
          ', position',
          `, (SELECT coalesce(max(own.position), 0) FROM ${placeOf(name)} AS own WHERE own.template = new.template) + new.ordinality`,
        ]
      : ['', ''];
  await client.query(
    `INSERT INTO ${placeOf(name)} (${list(names)}${position})
       SELECT ${names.map((column) => `new.${quote(column)}`).join(', ')}${next}
         FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (${definitions(name, names)})) WITH ORDINALITY AS new
        ORDER BY new.ordinality ${conflict}`,
    [JSON.stringify(entries)],
  );
}

async function remove(client: ClientBase, name: TableName, entries: readonly Entry[]): Promise<void> {
  const { key } = TABLES[name];
  const same = key.map((column) => `own.${quote(column)} = gone.${quote(column)}`).join(' AND ');
  await client.query(
    `DELETE FROM ${placeOf(name)} AS own USING jsonb_to_recordset($1::jsonb) AS gone(${definitions(name, key)}) WHERE ${same}`,
    [JSON.stringify(entries)],
  );
}

function definitions(name: TableName, columns: readonly string[]): string {
  return TABLES[name].columns
    .filter((column) => columns.includes(column.name))
    .map((column) => `${quote(column.name)} ${column.rule.type === 'int' ? 'int' : 'text'}`)
    .join(', ');
}
