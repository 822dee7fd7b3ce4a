/** What the device registry holds: types, templates and datapoints of components, and devices with their connectors and pins. */

/** What a component sends: frames, or messages of one of these kinds. */
export type Kind = 'frame' | 'door' | 'strike' | 'siren' | 'motion' | 'reader';

export type TableName = 'types' | 'templates' | 'datapoints' | 'devices' | 'connectors' | 'pins';

/** One entry by column name. */
export type Entry = Readonly<Record<string, string | number | null>>;

/** All entries, by table: datapoints of a template in their order, the others by their keys. */
export type Content = Readonly<Record<TableName, readonly Entry[]>>;
