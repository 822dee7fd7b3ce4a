/** The registry as the decoder of frames asks it: which pin a message is of. Pure. */
import { type ByteOrder, compileNumber, ENCODINGS, type EncodingName } from '@millrace/core/frame/encoding.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Content, Entry, Kind } from './tables.ts';

export interface Datapoint {
  name: string;
  unit: string | null;
  encoding: EncodingName;
  /** Bytes that a frame must have, without its CRC. */
  end: number;
  /** As `compileNumber` says. */
  read(frame: Uint8Array): number | null;
}

export interface Pin {
  mode: string;
  template: string;
  kind: Kind;
  /** Whether a frame ends with the CRC of Modbus. */
  crc: boolean;
  /** In the order of their import: new ones come last, so that each keeps its place in a record. */
  datapoints: readonly Datapoint[];
}

/** By device, connector and component. */
export type Registry = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, Pin>>>;

/** The registry as it is now. @throws Error where it was never read: callers wait for that before they decode */
export type RegistryView = () => Registry;

/** Whether a Pipeline's records mean nothing without the registry. */
export function needsRegistry({ spec }: Pick<Pipeline, 'spec'>): boolean {
  return spec.record.decode === 'frame';
}

export function registryOf(content: Content): Registry {
  const kinds = new Map(content.types.map(({ name, kind }) => [name, kind as Kind]));
  const datapoints = Map.groupBy(content.datapoints, ({ template }) => template);
  const templates = new Map(
    content.templates.map((template) => {
      const kind = kinds.get(text(template.type)) ?? missing('type', template.type);
      const own = (datapoints.get(text(template.name)) ?? []).map((entry) => datapointOf(entry, Number(template.skip)));
      return [template.name, { template: text(template.name), kind, crc: template.crc === 'modbus', datapoints: own }];
    }),
  );
  const registry = new Map(content.devices.map(({ name }) => [text(name), new Map<string, Map<string, Pin>>()]));
  for (const { device, name } of content.connectors) registry.get(text(device))?.set(text(name), new Map());
  for (const { device, connector, component, mode, template } of content.pins) {
    const pin = templates.get(template ?? '') ?? missing('template', template);
    const components = registry.get(text(device))?.get(text(connector)) ?? missing('connector', connector);
    components.set(text(component), { ...pin, mode: text(mode) });
  }
  return registry;
}

function datapointOf({ name, unit, offset, encoding, byte_order, decimals }: Entry, skip: number): Datapoint {
  const at = skip + Number(offset);
  const known = encoding as EncodingName;
  return {
    name: text(name),
    unit: unit === null ? null : text(unit),
    encoding: known,
    end: at + ENCODINGS[known].bytes,
    read: compileNumber({ offset: at, encoding: known, byteOrder: byte_order as ByteOrder, decimals: Number(decimals) }),
  };
}

const text = (value: Entry[string] | undefined): string => String(value);

/** Foreign keys forbid it. */
function missing(what: string, name: Entry[string] | undefined): never {
  throw new Error(`the device registry has no ${what} ${JSON.stringify(name)}`);
}
