import { type Random, randomOf } from './random.ts';

export interface Step {
  /** From 1. */
  nth: number;
  /** Name of the fault. */
  fault: string;
  /** Seed of the fault's own choices. */
  seed: number;
  /** Milliseconds after the step before ended, or, where that one is not waited for, began. */
  afterMs: number;
  /** The next step does not wait for the end of this one. */
  overlaps: boolean;
}

export interface ScheduleOptions {
  faults: readonly string[];
  count: number;
  gapMs: readonly [least: number, most: number];
}

/**
 * As many faults as wanted in random order, each kind as often as any other (give or take one), with random gaps; a third
 * of them still goes on when the next one comes. The same seed and faults give the same schedule.
 */
export function faultSchedule(seed: number, { faults, count, gapMs }: ScheduleOptions): Step[] {
  const random: Random = randomOf(seed);
  const names: string[] = [];
  while (names.length < count) names.push(...random.shuffle(faults).slice(0, count - names.length));
  return names.map((fault, at) => ({
    nth: at + 1,
    fault,
    seed: random.int(0, 2 ** 31 - 1),
    afterMs: random.int(...gapMs),
    overlaps: random.int(1, 3) === 1,
  }));
}
