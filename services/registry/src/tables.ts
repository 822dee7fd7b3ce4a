/**
 * The tables of the device registry, once: what files may hold, how it is checked, written, read and shown. The database has them as
 * `millrace.registry_<name>` (setup/system.ts), with the same rules as constraints.
 *
 * A controller (device) has connectors; a pin is a component at a connector, and its template says what its messages mean: the type which
 * kind of message it is, the datapoints which numbers stand where in a frame.
 */
import { BYTE_ORDERS, ENCODINGS, MAX_DECIMALS } from '@millrace/core/frame/encoding.ts';

/** What a component sends: frames, or messages of one of these kinds. */
export const KINDS = ['frame', 'door', 'strike', 'siren', 'motion', 'reader'] as const;
export type Kind = (typeof KINDS)[number];

export const CRCS = ['none', 'modbus'] as const;

/** What a column may hold; `allowed` in words for people. */
export type ColumnRule =
  | { type: 'text'; pattern: RegExp; allowed: string }
  | { type: 'enum'; values: readonly string[] }
  | { type: 'int'; min: number; max: number };

export interface RegistryColumn {
  name: string;
  rule: ColumnRule;
  /** Where a file has none; undefined: it must have one, null: it may have none. */
  default?: string | number | null;
}

export interface RegistryTable {
  columns: readonly RegistryColumn[];
  /** Names an entry. */
  key: readonly string[];
  /** Columns whose values name an entry of another table. */
  references: readonly { columns: readonly string[]; table: TableName }[];
}

export type TableName = 'types' | 'templates' | 'datapoints' | 'devices' | 'connectors' | 'pins';

const text = (pattern: RegExp, allowed: string): ColumnRule => ({ type: 'text', pattern, allowed });
const NAME = text(/^[\p{L}\p{N}_.-]{1,64}$/u, 'up to 64 letters, digits, "_", "-" and "."');
const TITLE = text(/^[^\p{C}]{1,200}$/u, 'a text of up to 200 characters');
const DEVICE = text(/^f2-[0-9a-f]{12}$/, 'f2- and 12 lower-case hex digits, such as f2-02f200000001');
const CONNECTOR = text(/^J[1-9]\d{0,2}$/, 'J1 to J999');
/** As a level of an MQTT topic. */
const LEVEL = text(/^[^/+#\p{C}\s]{1,64}$/u, 'a level of a topic: up to 64 characters without "/", "+", "#" and space');

const title: RegistryColumn = { name: 'title', rule: TITLE, default: null };

/** In the order in which entries refer to each other. */
export const TABLES: Readonly<Record<TableName, RegistryTable>> = {
  types: {
    columns: [{ name: 'name', rule: NAME }, { name: 'kind', rule: { type: 'enum', values: KINDS } }, title],
    key: ['name'],
    references: [],
  },
  templates: {
    columns: [
      { name: 'name', rule: NAME },
      { name: 'type', rule: NAME },
      // Bytes before those that offsets count: 3 in an answer of Modbus (address, function, number of bytes).
      { name: 'skip', rule: { type: 'int', min: 0, max: 255 }, default: 0 },
      { name: 'crc', rule: { type: 'enum', values: CRCS }, default: 'none' },
      title,
    ],
    key: ['name'],
    references: [{ columns: ['type'], table: 'types' }],
  },
  datapoints: {
    columns: [
      { name: 'template', rule: NAME },
      { name: 'name', rule: NAME },
      { name: 'offset', rule: { type: 'int', min: 0, max: 65_535 } },
      { name: 'encoding', rule: { type: 'enum', values: Object.keys(ENCODINGS) } },
      { name: 'byte_order', rule: { type: 'enum', values: Object.keys(BYTE_ORDERS) }, default: 'big' },
      { name: 'decimals', rule: { type: 'int', min: 0, max: MAX_DECIMALS }, default: 0 },
      { name: 'unit', rule: text(/^[^\p{C}]{1,32}$/u, 'a unit of up to 32 characters'), default: null },
    ],
    key: ['template', 'name'],
    references: [{ columns: ['template'], table: 'templates' }],
  },
  devices: {
    columns: [{ name: 'name', rule: DEVICE }, title],
    key: ['name'],
    references: [],
  },
  connectors: {
    columns: [{ name: 'device', rule: DEVICE }, { name: 'name', rule: CONNECTOR }, title],
    key: ['device', 'name'],
    references: [{ columns: ['device'], table: 'devices' }],
  },
  pins: {
    columns: [
      { name: 'device', rule: DEVICE },
      { name: 'connector', rule: CONNECTOR },
      { name: 'component', rule: LEVEL },
      { name: 'mode', rule: LEVEL },
      { name: 'template', rule: NAME },
    ],
    key: ['device', 'connector', 'component'],
    references: [
      { columns: ['device', 'connector'], table: 'connectors' },
      { columns: ['template'], table: 'templates' },
    ],
  },
};

export const TABLE_NAMES = Object.keys(TABLES) as TableName[];

/** One entry by column name. */
export type Entry = Readonly<Record<string, string | number | null>>;

/** All entries, by table: datapoints of a template in their order, the others by their keys. */
export type Content = Readonly<Record<TableName, readonly Entry[]>>;

/** What names an entry, as one text. */
export function keyOf(table: TableName, entry: Entry): string {
  return valuesOf(entry, TABLES[table].key);
}

/** What stands in some columns of an entry, as one text. */
export function valuesOf(entry: Entry, columns: readonly string[]): string {
  return columns.map((name) => String(entry[name])).join(' ');
}
