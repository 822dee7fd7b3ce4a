import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export const TARGETS = ['producer', 'processor', 'sink', 'broker', 'database'] as const;
export type Target = (typeof TARGETS)[number];

export interface Kill {
  target: Target;
  /** Milliseconds after the kill before. */
  afterMs: number;
}

/** Every target `times` times in random order, with random gaps; the same seed gives the same schedule. */
export function killSchedule(seed: number, options: { times: number; gapMs: readonly [number, number] }): Kill[] {
  const random = xoroshiro128plus(seed);
  const targets = Array.from({ length: options.times }, () => [...TARGETS]).flat();
  for (let last = targets.length - 1; last > 0; last -= 1) {
    const other = uniformInt(random, 0, last);
    [targets[last], targets[other]] = [targets[other] as Target, targets[last] as Target];
  }
  return targets.map((target) => ({ target, afterMs: uniformInt(random, ...options.gapMs) }));
}
