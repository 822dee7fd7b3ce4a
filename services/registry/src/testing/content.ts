/** For tests: a registry of one controller with every kind of component. */
import type { Content, Entry } from '../tables.ts';

const DEVICE = 'f2-02f200000001';

const pin = (connector: string, component: string, mode: string, template = component): Entry => ({
  device: DEVICE,
  connector,
  component,
  mode,
  template,
});

const datapoint = (
  name: string,
  offset: number,
  encoding: string,
  decimals: number,
  unit: string | null,
  byte_order = 'big',
): Entry => ({
  template: 'climate',
  name,
  offset,
  encoding,
  byte_order,
  decimals,
  unit,
});

const EVENTS = ['door', 'strike', 'siren', 'motion', 'reader'];

/** As `examples/smart-controller` has them. */
export const CONTENT: Content = {
  types: ['frame', ...EVENTS].map((kind) => ({ name: kind === 'frame' ? 'modbus' : kind, kind, title: null })),
  templates: [
    { name: 'climate', type: 'modbus', skip: 3, crc: 'modbus', title: 'Climate of a room' },
    ...EVENTS.map((name) => ({ name, type: name, skip: 0, crc: 'none', title: null })),
  ],
  datapoints: [
    datapoint('temperature', 0, 'Int16', 1, '°C'),
    datapoint('humidity', 2, 'Uint16', 1, '%'),
    datapoint('pressure', 4, 'Uint32', 2, 'hPa'),
    datapoint('co2', 8, 'Uint16', 0, 'ppm'),
    datapoint('battery', 10, 'Uint8', 0, '%'),
    datapoint('signal', 11, 'Int8', 0, 'dBm'),
  ],
  devices: [{ name: DEVICE, title: 'Hall, "north"' }],
  connectors: [1, 2].map((n) => ({ device: DEVICE, name: `J${n}`, title: null })),
  pins: [pin('J1', 'climate', 'modbus'), ...EVENTS.map((component) => pin('J2', component, 'io'))],
};
