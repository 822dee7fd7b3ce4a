#!/usr/bin/env node
/**
 * Writes a CSV file of the shape of the environmental telemetry data set to standard output: 405,184 rows of three
 * devices from 2020-07-12 to 2020-07-19 (UTC), in order of time, every field quoted, `ts` in scientific notation. The values
 * are made up; the same seed gives the same bytes.
 *
 *     node examples/environment/generate.ts [SEED] > environment.csv
 *
 * Invariant: a device's n-th reading lies in the n-th of `rows` equal parts of the eight days, so that the counts per
 * device and the order are exact whatever the seed.
 */
import { once } from 'node:events';

const START_US = Date.UTC(2020, 6, 12) * 1_000;
const SPAN_US = 8 * 86_400 * 1_000_000;
const PIECE = 65_536;

interface Device {
  id: string;
  rows: number;
  temperature: number;
  humidity: number;
  co: number;
  /** Amplitude of the daily course, as a part of the level. */
  swing: number;
  /** One device reports short decimals, the others 32-bit floats written as 64-bit ones. */
  float32: boolean;
  lit: (hour: number) => boolean;
}

const DEVICES: Device[] = [
  {
    id: 'b8:27:eb:bf:9d:51',
    rows: 187_451,
    temperature: 22.5,
    humidity: 51,
    co: 0.00495,
    swing: 0.04,
    float32: false,
    lit: () => false,
  },
  {
    id: '00:0f:00:70:91:0a',
    rows: 111_815,
    temperature: 19.7,
    humidity: 76,
    co: 0.0029,
    swing: 0.05,
    float32: true,
    lit: () => false,
  },
  {
    id: '1c:bf:ce:15:ec:4d',
    rows: 105_918,
    temperature: 26,
    humidity: 70,
    co: 0.0044,
    swing: 0.15,
    float32: true,
    lit: (hour) => hour >= 6 && hour < 22,
  },
];

/** Numbers in [0, 1) from a 32-bit seed: mulberry32 (Tommy Ettinger, public domain). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** 1594512094385974 µs is "1.594512094385974E9" s. */
function scientific(microseconds: number): string {
  const digits = String(microseconds);
  return `${digits.slice(0, 1)}.${digits.slice(1)}E9`;
}

/** One decimal, as the devices measure, and always with a decimal point: 51 is "51.0". */
function tenths(value: number, float32: boolean): string {
  const rounded = Math.round(value * 10) / 10;
  const text = String(float32 ? Math.fround(rounded) : rounded);
  return text.includes('.') ? text : `${text}.0`;
}

function fraction(value: number): string {
  return String(Number(value.toFixed(16)));
}

/** The readings of one device in order of time. */
function* readings(device: Device, seed: number): Generator<{ us: number; line: string }> {
  const next = random(seed);
  const part = SPAN_US / device.rows;
  let drift = 0;
  for (let n = 0; n < device.rows; n++) {
    const us = START_US + Math.floor((n + next()) * part);
    const hour = ((us - START_US) / 3_600_000_000) % 24;
    drift = 0.995 * drift + 0.02 * (next() - 0.5);
    const course = device.swing * Math.sin(((hour - 9) / 24) * 2 * Math.PI) + 0.2 * drift;
    const co = device.co * (1 - course + 0.01 * (next() - 0.5));
    // The sample's readings of one gas sensor: LPG and smoke follow CO by a power law.
    const lpg = 0.0076508222705571 * (co / 0.0049559386483912) ** 0.7234;
    const smoke = 0.0204112701224129 * (co / 0.0049559386483912) ** 0.7727;
    const fields = [
      scientific(us),
      device.id,
      fraction(co),
      tenths(device.humidity * (1 - course / 2) + 0.3 * (next() - 0.5), device.float32),
      String(device.lit(hour)),
      fraction(lpg),
      String(next() < 0.001),
      fraction(smoke),
      tenths(device.temperature * (1 + course) + 0.2 * (next() - 0.5), device.float32),
    ];
    yield { us, line: `"${fields.join('","')}"\n` };
  }
}

/** All lines of the file, header first; the streams of the devices merged by time. */
function* lines(seed: number): Generator<string> {
  yield '"ts","device","co","humidity","light","lpg","motion","smoke","temp"\n';
  const streams = DEVICES.map((device, index) => readings(device, seed * 31 + index));
  const heads = streams.map((stream) => stream.next());
  for (;;) {
    let first = -1;
    let firstUs = Number.POSITIVE_INFINITY;
    for (const [index, head] of heads.entries()) {
      if (!head.done && head.value.us < firstUs) {
        first = index;
        firstUs = head.value.us;
      }
    }
    const stream = streams[first];
    const head = heads[first];
    if (!stream || !head || head.done) return;
    yield head.value.line;
    heads[first] = stream.next();
  }
}

const seed = Number(process.argv[2] ?? '1');
if (!Number.isInteger(seed) || seed < 0) {
  process.stderr.write(`SEED is ${JSON.stringify(process.argv[2])}; allowed is a whole number from 0\n`);
  process.exit(2);
}
// `| head` closes the pipe before the end: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
let piece = '';
for (const line of lines(seed)) {
  piece += line;
  if (piece.length >= PIECE) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
    piece = '';
  }
}
process.stdout.write(piece);
