/**
 * Simulated readings. Record `n` is a function of (seed, n, spec) alone: the same seed gives the same records for ever, on
 * any machine, and a test can ask what must have been stored. Only arithmetic whose result IEEE 754 fixes is used (no sine).
 *
 * Records go round the devices: record n is of device n mod devices, and is stepped in time by step / devices.
 */
import { RawNumber, stringifyJson } from '@millrace/core/record/json.ts';
import { compileTime, type Time } from '@millrace/core/record/time.ts';
import { durationMs } from '@millrace/core/spec/duration.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { TimeRule } from '@millrace/core/spec/record.ts';
import type { Simulator } from '@millrace/core/spec/source.ts';
import { keyReader, pathsOf } from '../send/key.ts';
import { writePath } from '../send/writePath.ts';
import { type Fault, type FaultKind, faultsOf } from './faults.ts';
import { generatorOf } from './values.ts';

export interface Simulated {
  value: Buffer;
  key: Buffer;
  /** What is wrong with it on purpose. */
  fault: FaultKind | null;
}

/** A part of the simulated record: where it stands in the JSON, and its value at a tick of a device. */
export interface Part {
  /** Field name, or `time`. */
  name: string;
  path: string;
  value(device: number, tick: number, timeMs: number): unknown;
}

const DEFAULT_STEP_MS = 1_000;
const compiled = new WeakMap<Pipeline, (n: number, clockBaseMs?: number) => Simulated>();

/**
 * Record `n` (from 0) of the Pipeline's simulator.
 * @param clockBaseMs epoch ms of the first record where the spec gives no `start`
 * @throws Error where the Pipeline has no simulator, a time is missing, or the fields cannot stand in one JSON object
 */
export function simulate(pipeline: Pipeline, n: number, clockBaseMs?: number): Simulated {
  let make = compiled.get(pipeline);
  if (!make) {
    make = compile(pipeline);
    compiled.set(pipeline, make);
  }
  return make(n, clockBaseMs);
}

function compile(pipeline: Pipeline): (n: number, clockBaseMs?: number) => Simulated {
  const { simulator } = pipeline.spec.source;
  if (!simulator) throw new Error('the Pipeline has no source.simulator');
  const { devices, faults } = simulator;
  const parts = partsOf(pipeline, simulator);
  const kinds = faults ? faultsOf(pipeline, parts, faults.kinds) : [];
  const readKey = keyReader(pipeline);
  const stepMs = stepMsOf(simulator);
  const startMs = simulator.start === undefined ? undefined : Date.parse(simulator.start);

  return (n, clockBaseMs) => {
    const base = startMs ?? clockBaseMs;
    if (base === undefined) throw new Error('source.simulator has no start: the time of the first record must be given');
    const device = n % devices;
    const tick = Math.floor(n / devices);
    const timeMs = Math.floor(base + (n * stepMs) / devices);
    const record: Record<string, unknown> = {};
    for (const part of parts) writePath(record, part.path, part.value(device, tick, timeMs));
    const fault = faults ? faultOf(n, faults.every, kinds) : null;
    const text = fault ? fault.apply(record, n) : stringifyJson(record);
    const value = Buffer.from(text);
    return { value, key: readKey(record, value), fault: fault?.kind ?? null };
  };
}

/** Every n-th record is bad, the kinds in turn, each on its fields in turn. */
function faultOf(n: number, every: number, kinds: readonly Fault[][]): Fault | null {
  if ((n + 1) % every !== 0) return null;
  const count = (n + 1) / every - 1;
  const targets = kinds[count % kinds.length] ?? [];
  return targets[Math.floor(count / kinds.length) % targets.length] ?? null;
}

/** Time between two records of one device, ms. */
function stepMsOf({ step, rate, devices }: Simulator): number {
  if (step !== undefined) return durationMs(step);
  return rate === undefined ? DEFAULT_STEP_MS : (devices / rate) * 1_000;
}

/** The time and every field that does not stand where the time does, each at the first path it is read from. */
function partsOf(pipeline: Pipeline, { seed }: Simulator): Part[] {
  const { record } = pipeline.spec;
  const timePath = pathsOf('', record.time.field)[0] as string;
  const parts: Part[] = [{ name: 'time', path: timePath, value: timeWriter(record.time) }];
  for (const [at, [name, field]] of Object.entries(record.fields).entries()) {
    const path = pathsOf(name, field.from)[0] as string;
    if (parts.some((part) => part.path === path)) continue;
    const value =
      field.type === 'time' && name !== record.key ? timeWriter(field) : generatorOf(name, field, at, seed, name === record.key);
    parts.push({ name, path, value });
  }
  return parts;
}

function timeWriter(rule: Pick<TimeRule, 'format' | 'zone'>): Part['value'] {
  const time: Time = compileTime(rule);
  const isNumber = [rule.format ?? []].flat()[0]?.startsWith('epoch_') === true;
  return (_device, _tick, timeMs) => {
    const text = time.format(BigInt(timeMs) * 1_000_000n);
    return isNumber ? new RawNumber(text) : text;
  };
}
