import { type Random, randomOf } from '../../faults/random.ts';
import type { Fault } from './fault.ts';

export interface Step {
  /** From 1. */
  nth: number;
  fault: Fault;
  /** Of the fault's own choices. */
  random: Random;
}

/** Every fault once per round, in random order, but one of each kind first: the same seed and faults give the same steps. */
export function planOf(seed: number, rounds: number, faults: readonly Fault[]): Step[] {
  const random = randomOf(seed);
  return Array.from({ length: rounds }, () => oneOfEachFirst(random.shuffle(faults)))
    .flat()
    .map((fault, at) => ({ nth: at + 1, fault, random: randomOf(random.int(0, 2 ** 31 - 1)) }));
}

function oneOfEachFirst(faults: readonly Fault[]): Fault[] {
  const isFirst = ({ kind }: Fault, at: number): boolean => faults.findIndex((one) => one.kind === kind) === at;
  return [...faults.filter(isFirst), ...faults.filter((fault, at) => !isFirst(fault, at))];
}
