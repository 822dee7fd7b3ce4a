/**
 * `decode: frame`: messages of controllers over MQTT, one JSON object each, under a topic that names device, connector
 * and component. What a message means, the device registry says. Each datapoint of a frame is one row, and so is a message of a door, a
 * strike, a siren, a motion detector or a reader.
 *
 * A row's members: kind, device, mode, connector, component, template, datapoint, value, text, unit; and `message`, what else the
 * payload holds. Who a message is from, the topic alone says: brokers check it, a payload may say anything.
 *
 * Invariants:
 * - A frame gives a row for every datapoint of its template, in the template's order, or is refused as a whole.
 * - A datapoint that cannot be read is refused alone. What its refusal keeps is the message with the name of that datapoint: decoded again
 *   as the only element of an array it gives that datapoint alone. An array of several is refused: redriven, the datapoints of one message
 *   would take the places of another's.
 */
import { crc16 } from '@millrace/core/frame/crc16.ts';
import { parseHex } from '@millrace/core/frame/hex.ts';
import { MQTT_TOPIC_HEADER } from '@millrace/core/record/mqttTopic.ts';
import type { Datapoint, Pin, Registry, RegistryView } from '@millrace/registry/registry.ts';
import { isObject, kindOf, shown } from '../fields/shown.ts';
import { type Decoded, DecodeError, type Decoder, type JsonObject, type Problem } from './decoder.ts';
import { readEvent } from './frame/events.ts';
import { type Address, addressOf } from './frame/topic.ts';
import { parseRecord } from './json.ts';

const FRAME = 'frame';
/** Member of a message of which one datapoint was refused: that one. */
const ONLY = 'millrace.datapoint';
const CRC_BYTES = 2;

export function frame(registry: RegistryView): Decoder {
  return {
    decode(record) {
      const parsed = parseRecord(record);
      const address = addressOf(record.headers[MQTT_TOPIC_HEADER]?.toString());
      return rowsOf(Array.isArray(parsed) && parsed.length === 1 ? parsed[0] : parsed, address, pinOf(registry(), address));
    },
  };
}

/** @throws DecodeError `device`, `component` or `mode` */
function pinOf(registry: Registry, { device, connector, component, mode }: Address): Pin {
  const refuse = (reason: string, message: string): never => {
    throw new DecodeError({ reason, message });
  };
  const connectors =
    registry.get(device) ??
    refuse('device', `the device ${device} is unknown; allowed are those of the registry (millrace registry import)`);
  const components = connectors.get(connector);
  const pin = components?.get(component);
  if (!pin) {
    const known = [...(components?.keys() ?? [])].join(', ') || 'none';
    return refuse('component', `${device} has no component ${shown(component)} at ${connector}; allowed there: ${known}`);
  }
  if (pin.mode !== mode)
    return refuse('mode', `${component} at ${connector} of ${device} came as ${shown(mode)}; allowed is ${pin.mode}`);
  return pin;
}

function rowsOf(message: unknown, address: Address, pin: Pin): Decoded[] {
  if (!isObject(message))
    throw new DecodeError({
      reason: 'type',
      message: `the record is ${kindOf(message)} (${shown(message)}); allowed is an object`,
    });
  const { [FRAME]: text, [ONLY]: only, ...rest } = message;
  const base = { ...address, template: pin.template };
  if (pin.kind !== 'frame') {
    const said = readEvent(pin.kind, message);
    const { [said.datapoint]: _said, ...others } = message;
    return [{ object: { ...base, ...said, unit: null, message: others } }];
  }
  const bytes = bytesOf(text, pin);
  return chosen(pin, only).map((datapoint): Decoded => {
    const alone = (): JsonObject => ({ ...message, [ONLY]: datapoint.name });
    const value = datapoint.read(bytes);
    if (value !== null && !Number.isFinite(value)) return { problem: infinite(datapoint), source: alone() };
    const { name, unit } = datapoint;
    return { object: { ...base, datapoint: name, value, text: null, unit, message: rest }, alone };
  });
}

/** The datapoints to read: all, or the one that was refused before. @throws DecodeError `datapoint` */
function chosen({ datapoints, template }: Pin, only: unknown): readonly Datapoint[] {
  const some = only === undefined ? datapoints : datapoints.filter(({ name }) => name === only);
  if (some.length > 0) return some;
  const what = only === undefined ? 'no datapoints' : `no datapoint ${shown(only)}`;
  throw new DecodeError({ reason: 'datapoint', message: `the template ${template} has ${what}; the registry names them` });
}

/** The bytes of a frame, its CRC checked and every datapoint within. @throws DecodeError `missing`, `type`, `hex`, `short` or `crc` */
function bytesOf(text: unknown, { crc, datapoints, template }: Pin): Uint8Array {
  const refuse = (reason: string, message: string): never => {
    throw new DecodeError({ reason, message });
  };
  if (text === undefined || text === null) return refuse('missing', `${FRAME} is missing; allowed are hex digits`);
  if (typeof text !== 'string') return refuse('type', `${FRAME} is ${shown(text)}; allowed is a text of hex digits`);
  const bytes = parseHex(text);
  if ('problem' in bytes) return refuse('hex', `${FRAME} ${shown(text)} ${bytes.problem}`);
  const needed = Math.max(0, ...datapoints.map(({ end }) => end)) + (crc ? CRC_BYTES : 0);
  if (bytes.length < needed)
    return refuse('short', `${FRAME} ${shown(text)} has ${bytes.length} bytes; the template ${template} needs ${needed}`);
  if (!crc) return bytes;
  const end = bytes.length - CRC_BYTES;
  const found = Number(bytes[end]) | (Number(bytes[end + 1]) << 8);
  const right = crc16(bytes.subarray(0, end));
  if (found !== right) return refuse('crc', `${FRAME} ${shown(text)} ends with the CRC ${hex(found)}; allowed is ${hex(right)}`);
  return bytes;
}

/** As it stands in the frame. */
function hex(crc: number): string {
  return [crc & 0xff, crc >> 8].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
}

function infinite({ name, encoding }: Datapoint): Problem {
  return { reason: 'range', message: `${name} is an infinite ${encoding}; allowed is a number` };
}
