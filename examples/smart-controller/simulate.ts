/**
 * Four controllers over MQTT, as README.md says: each round every sensor sends a frame, and now and then a door, a strike, a reader, a siren
 * or a motion detector something; some messages come twice, as QoS 1 allows. The same seed gives the same messages.
 *
 *     MILLRACE_MQTT_URL=mqtt://127.0.0.1:1883 node examples/smart-controller/simulate.ts [rounds] [seed]
 *
 * Where the broker asks for certificates, MILLRACE_MQTT_CERTIFICATES is a folder with ca.crt (whom controllers trust), and <controller>.crt and
 * <controller>.key of each; MILLRACE_MQTT_SERVERNAME the name in the broker's certificate, where the URL has another.
 *
 * It ends with 0 when the broker has acknowledged all, and with 1 where it cannot be reached for a minute.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';

export interface Plan {
  /** One each ten seconds of the controllers' time. */
  rounds: number;
  seed: number;
}

export const DEMO: Plan = { rounds: 30, seed: 1 };

/** One row of the table. */
export interface Reading {
  device: string;
  connector: string;
  component: string;
  datapoint: string;
  timeMs: number;
  value: number | null;
  text: string | null;
  unit: string | null;
}

export interface Message {
  topic: string;
  /** JSON. */
  payload: string;
  readings: Reading[];
}

/** Monday, 3 June 2024, 06:00 UTC. */
const START_MS = Date.UTC(2024, 5, 3, 6);
const ROUND_MS = 10_000;
const CONNECTORS = ['J1', 'J2', 'J3', 'J4'];
const AGAIN_SHARE = 0.05;

/** A controller's own way to write a time. */
const CONTROLLERS: { device: string; stamp(timeMs: number): { ts: string | number; timeMs: number } }[] = [
  { device: 'f2-02f200000001', stamp: (timeMs) => ({ ts: new Date(timeMs).toISOString(), timeMs }) },
  {
    device: 'f2-02f200000002',
    stamp: (timeMs) => ({ ts: `${new Date(timeMs + 7_200_000).toISOString().slice(0, -1)}+02:00`, timeMs }),
  },
  {
    device: 'f2-02f200000003',
    stamp: (timeMs) => ({ ts: Math.floor(timeMs / 1_000), timeMs: Math.floor(timeMs / 1_000) * 1_000 }),
  },
  { device: 'f2-02f200000004', stamp: (timeMs) => ({ ts: timeMs, timeMs }) },
];

type Random = () => number;

/** Random numbers from 0 to below 1 (mulberry32, https://github.com/cprosche/mulberry32). */
function randomOf(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Point {
  name: string;
  unit: string;
  decimals: number;
  min: number;
  max: number;
  /** Writes the whole number, or for a Float32 the number itself. */
  write(data: Buffer, value: number): void;
}

const point = (name: string, unit: string, decimals: number, min: number, max: number, write: Point['write']): Point => ({
  name,
  unit,
  decimals,
  min,
  max,
  write,
});

/** As the table of README.md has them; ranges are of the whole numbers. */
const SENSORS: { component: string; address: number; bytes: number; points: Point[] }[] = [
  {
    component: 'climate',
    address: 1,
    bytes: 12,
    points: [
      point('temperature', '°C', 1, -250, 450, (data, value) => data.writeInt16BE(value, 0)),
      point('humidity', '%', 1, 0, 1_000, (data, value) => data.writeUInt16BE(value, 2)),
      point('pressure', 'hPa', 2, 95_000, 105_000, (data, value) => data.writeUInt32BE(value, 4)),
      point('co2', 'ppm', 0, 400, 2_000, (data, value) => data.writeUInt16BE(value, 8)),
      point('battery', '%', 0, 0, 100, (data, value) => data.writeUInt8(value, 10)),
      point('signal', 'dBm', 0, -100, -30, (data, value) => data.writeInt8(value, 11)),
    ],
  },
  {
    component: 'power',
    address: 2,
    bytes: 22,
    points: [
      point('voltage', 'V', 1, 2_200, 2_400, (data, value) => data.writeFloatBE(value / 10, 0)),
      point('current', 'A', 2, 0, 6_400, (data, value) => data.writeFloatLE(value / 100, 4)),
      point('energy', 'kWh', 2, 0, 4_000_000_000, (data, value) => data.writeUInt32LE(value, 8)),
      point('power', 'W', 1, -50_000, 150_000, (data, value) => data.writeInt32BE(value, 12)),
      point('frequency', 'Hz', 2, 4_990, 5_010, (data, value) => data.writeUInt16LE(value, 16)),
      point('phase', '°', 1, -900, 900, (data, value) => data.writeInt16LE(value, 18)),
      point('load', '%', 0, 0, 100, (data, value) => data.writeUInt8(value, 20)),
      point('board', '°C', 0, -40, 85, (data, value) => data.writeInt8(value, 21)),
    ],
  },
];

/** CRC-16 of Modbus over serial line (V1.02, 6.2.2): polynomial A001, begins with FFFF. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

/** An answer to "read holding registers" as hex digits with spaces. */
function frameOf(address: number, data: Buffer): string {
  const head = Buffer.from([address, 3, data.length]);
  const crc = crcOf(Buffer.concat([head, data]));
  const bytes = Buffer.concat([head, data, Buffer.from([crc & 0xff, crc >>> 8])]);
  return [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
}

interface Event {
  kind: 'tele' | 'stat';
  mode: string;
  connector: string;
  component: string;
  share: number;
  say(random: Random): { datapoint: string; value: number | null; text: string; members: Record<string, unknown> };
}

const state = (one: string, other: string) => (random: Random) => {
  const isOne = random() < 0.5;
  const text = isOne ? one : other;
  return { datapoint: 'state', value: isOne ? 1 : 0, text, members: { state: text } };
};

const EVENTS: Event[] = [
  { kind: 'tele', mode: 'io', connector: 'J1', component: 'door', share: 0.3, say: state('open', 'closed') },
  { kind: 'stat', mode: 'io', connector: 'J1', component: 'strike', share: 0.2, say: state('unlocked', 'locked') },
  {
    kind: 'tele',
    mode: 'wiegand',
    connector: 'J2',
    component: 'reader',
    share: 0.2,
    say: (random) => {
      const card = Math.floor(random() * 2 ** 32)
        .toString(16)
        .toUpperCase()
        .padStart(8, '0');
      return { datapoint: 'card', value: null, text: card, members: { card, granted: random() < 0.9 } };
    },
  },
  { kind: 'stat', mode: 'io', connector: 'J3', component: 'siren', share: 0.05, say: state('on', 'off') },
  {
    kind: 'tele',
    mode: 'io',
    connector: 'J4',
    component: 'motion',
    share: 0.4,
    say: (random) => {
      const motion = random() < 0.5;
      return { datapoint: 'motion', value: motion ? 1 : 0, text: String(motion), members: { motion } };
    },
  },
];

/** All messages in the order in which they are sent, those that come twice included. */
export function messagesOf({ rounds, seed }: Plan): Message[] {
  const random = randomOf(seed);
  const messages: Message[] = [];
  const send = (message: Message): void => {
    messages.push(message);
    if (random() < AGAIN_SHARE) messages.push(message);
  };
  for (let round = 0; round < rounds; round++) {
    for (const controller of CONTROLLERS) {
      for (const connector of CONNECTORS)
        for (const sensor of SENSORS) send(frameMessage(controller, connector, sensor, atMs(round, random), random));
      for (const event of EVENTS) if (random() < event.share) send(eventMessage(controller, event, atMs(round, random), random));
    }
  }
  return messages;
}

function atMs(round: number, random: Random): number {
  return START_MS + round * ROUND_MS + Math.floor(random() * ROUND_MS);
}

type Controller = (typeof CONTROLLERS)[number];

function frameMessage(
  { device, stamp }: Controller,
  connector: string,
  { component, address, bytes, points }: (typeof SENSORS)[number],
  nowMs: number,
  random: Random,
): Message {
  const { ts, timeMs } = stamp(nowMs);
  const data = Buffer.alloc(bytes);
  const readings = points.map(({ name, unit, decimals, min, max, write }): Reading => {
    const whole = min + Math.floor(random() * (max - min + 1));
    write(data, whole);
    const value = whole / 10 ** decimals;
    return { device, connector, component, datapoint: name, timeMs, value, text: null, unit };
  });
  const payload = JSON.stringify({ ts, frame: frameOf(address, data) });
  return { topic: `tele/${device}/modbus/${connector}/${component}`, payload, readings };
}

function eventMessage({ device, stamp }: Controller, event: Event, nowMs: number, random: Random): Message {
  const { kind, mode, connector, component, say } = event;
  const { ts, timeMs } = stamp(nowMs);
  const { members, ...said } = say(random);
  return {
    topic: `${kind}/${device}/${mode}/${connector}/${component}`,
    payload: JSON.stringify({ ts, ...members }),
    readings: [{ device, connector, component, timeMs, unit: null, ...said }],
  };
}

const AT_A_TIME = 50;
const PATIENCE_MS = 60_000;

/** Publishes them in order with QoS 1, each controller by a connection of its own, several at a time. */
async function publishAll(messages: readonly Message[], url: string): Promise<void> {
  const clients = new Map<string, MqttClient>();
  for (const { device } of CONTROLLERS)
    clients.set(device, await connectAsync(url, { clientId: device, connectTimeout: PATIENCE_MS, ...identityOf(device) }));
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let at = next++; at < messages.length; at = next++) {
      const { topic, payload } = messages[at] as Message;
      const client = clients.get(topic.split('/')[1] ?? '');
      if (!client) throw new Error(`no controller sends under ${topic}`);
      const late = setTimeout(() => client.stream.destroy(new Error(`${url} takes nothing`)), PATIENCE_MS);
      await client.publishAsync(topic, payload, { qos: 1 });
      clearTimeout(late);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, sender));
  await Promise.all([...clients.values()].map((client) => client.endAsync()));
}

/** Who a controller is to the broker; nobody in particular where none has a certificate. */
function identityOf(device: string): IClientOptions {
  const { MILLRACE_MQTT_CERTIFICATES: folder, MILLRACE_MQTT_SERVERNAME: servername } = process.env;
  if (!folder) return {};
  const [ca, cert, key] = ['ca.crt', `${device}.crt`, `${device}.key`].map((name) => readFileSync(join(folder, name)));
  return { ca, cert, key, ...(servername ? { servername } : {}) } as IClientOptions;
}

async function main(): Promise<void> {
  const { MILLRACE_MQTT_URL: url = 'mqtt://127.0.0.1:1883' } = process.env;
  process.once('disconnect', () => process.exit(1)); // the run that started it is gone
  const [rounds, seed] = process.argv.slice(2).map(Number);
  const messages = messagesOf({ rounds: rounds ?? DEMO.rounds, seed: seed ?? DEMO.seed });
  await publishAll(messages, url);
  process.stdout.write(`${messages.length} messages sent\n`);
  process.exit(0); // the channel to who started it would keep it
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}
