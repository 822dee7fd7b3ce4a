/**
 * Values of one simulated field within its declared range, by device and tick. Numbers wander: value noise, that is random
 * values at every so many ticks and a smooth curve between, so that charts look like measurements and any tick can be
 * computed by itself.
 */

import type { Field } from '@millrace/core/spec/record.ts';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Part } from './simulate.ts';

/** Ticks between two random values of the slow and of the quick part of a curve, and how long a text or bool stays. */
const SLOW = 64;
const QUICK = 8;
const HOLD = 16;
/** Numbers have so many decimals that a range has at least this many steps. */
const STEPS = 10_000;
const MAX_DECIMALS = 6;
const LARGEST = 2 ** 30;

/**
 * The generator of a field.
 * @param at the number of the field, which keeps fields apart
 * @param isKey the field names the device: `device-00001` …, or the device's number
 */
export function generatorOf(name: string, field: Field, at: number, seed: number, isKey: boolean): Part['value'] {
  const { min, max } = rangeOf(field);
  const held = (device: number, tick: number, count: number) => draw(count, seed, at, device, Math.floor(tick / HOLD));
  switch (field.type) {
    case 'text': {
      const texts = field.enum;
      if (isKey)
        return (device) => (texts ? (texts[device % texts.length] as string) : `device-${String(device + 1).padStart(5, '0')}`);
      if (texts) return (device, tick) => texts[held(device, tick, texts.length)];
      return (device, tick) => `${name}-${held(device, tick, 100) + 1}`;
    }
    case 'bool':
      return isKey ? (device) => device % 2 === 0 : (device, tick) => held(device, tick, 2) === 1;
    case 'point':
      // A city's worth of places; a device stays where it is.
      return (device) => {
        const lon = (-97_900_000 + draw(400_000, seed, at, device, 0)) / 1e6;
        const lat = (30_100_000 + draw(400_000, seed, at, device, 1)) / 1e6;
        return `POINT (${lon} ${lat})`;
      };
    default: {
      if (isKey) return (device) => Math.ceil(field.min ?? 1) + device;
      const decimals = field.type === 'int' ? 0 : decimalsOf(max - min);
      const low = field.type === 'int' ? Math.ceil(min) : min;
      const high = field.type === 'int' ? Math.floor(max) : max;
      const nulls = (field.nulls ?? []).map(Number);
      return (device, tick) => {
        const wander = 0.85 * curve(SLOW, tick, seed, at, device) + 0.15 * curve(QUICK, tick, seed, at, device);
        const value = Math.min(high, Math.max(low, round(low + wander * (high - low), decimals)));
        return nulls.includes(value) ? round((value + high) / 2, decimals + 1) : value;
      };
    }
  }
}

/** The declared range; an open side is 100 away from the other. */
function rangeOf({ min, max }: Pick<Field, 'min' | 'max'>): { min: number; max: number } {
  if (min === undefined) return max === undefined ? { min: 0, max: 100 } : { min: max - 100, max };
  return { min, max: max ?? min + 100 };
}

function decimalsOf(range: number): number {
  let decimals = 0;
  while (decimals < MAX_DECIMALS && range * 10 ** decimals < STEPS) decimals++;
  return decimals;
}

function round(value: number, decimals: number): number {
  const unit = 10 ** decimals;
  return Math.round(value * unit) / unit;
}

/** 0 to 1, smooth in `tick` (smoothstep between random values every `every` ticks). */
function curve(every: number, tick: number, seed: number, field: number, device: number): number {
  const shifted = tick + draw(every, seed, field, device, -every);
  const knot = Math.floor(shifted / every);
  const t = shifted / every - knot;
  const from = draw(LARGEST, seed, field, device, knot, every) / LARGEST;
  const to = draw(LARGEST, seed, field, device, knot + 1, every) / LARGEST;
  return from + (to - from) * t * t * (3 - 2 * t);
}

/** A whole number from 0 to `count` - 1 that depends on the given numbers alone. */
function draw(count: number, ...from: number[]): number {
  let mixed = 0x9e3779b9;
  for (const part of from) {
    // The finaliser of MurmurHash3 after each part: neighbours among devices and ticks become unrelated seeds.
    mixed = Math.imul(mixed ^ part, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    mixed ^= mixed >>> 16;
  }
  return uniformInt(xoroshiro128plus(mixed), 0, count - 1);
}
