/** Does the faults of a schedule to a platform, one after the other or two at a time. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Platform } from '../platform.ts';
import type { Fault } from './fault.ts';
import { randomOf } from './random.ts';
import type { Step } from './schedule.ts';
import { FAULTS } from './table.ts';

/** The faults of the table that this platform can take; `leaveOut` hears of each other one and what it lacks. */
export function faultsFor(platform: Platform, leaveOut: (fault: string, lacks: string) => void): Fault[] {
  return FAULTS.filter((fault) => {
    const lacks = fault.lacks(platform);
    if (lacks !== null) leaveOut(fault.name, lacks);
    return lacks === null;
  });
}

export interface AttackOptions {
  /** The kinds that the steps name. */
  faults: readonly Fault[];
  steps: readonly Step[];
  /** Whether there is more input to come. */
  flows(): Promise<boolean>;
  /** Gets a line for each fault as it begins and ends. */
  say(line: string): void;
}

interface Pending {
  target: Fault['target'];
  done: Promise<void>;
}

/**
 * Resolves when all are done, with the input still flowing.
 * @throws Error of the first fault that could not be done, or that came when the input was at its end; none goes on then
 */
export async function attack(platform: Platform, { faults, steps, flows, say }: AttackOptions): Promise<void> {
  let pending: Pending[] = [];
  const settle = async (which: (one: Pending) => boolean): Promise<void> => {
    const chosen = pending.filter(which);
    await Promise.all(chosen.map(({ done }) => done));
    pending = pending.filter((one) => !chosen.includes(one));
  };
  const expectFlow = async (): Promise<void> => {
    if (!(await flows())) throw new Error('the input came to its end before the last fault: lower the rate');
  };
  try {
    for (const step of steps) {
      const fault = faults.find(({ name }) => name === step.fault);
      if (!fault) throw new Error(`there is no fault ${step.fault}; there are ${faults.map(({ name }) => name).join(', ')}`);
      await delay(step.afterMs); // the random moment is the fault, not a wait for a condition
      await settle(({ target }) => target === fault.target);
      await expectFlow();
      const done = happen(platform, fault, step, say);
      done.catch(() => {}); // told where it is settled
      pending.push({ target: fault.target, done });
      if (!step.overlaps) await settle(() => true);
    }
    await settle(() => true);
    await expectFlow();
  } finally {
    await Promise.allSettled(pending.map(({ done }) => done));
  }
}

async function happen(platform: Platform, fault: Fault, step: Step, say: (line: string) => void): Promise<void> {
  const { nth } = step;
  const startedAt = performance.now();
  say(`fault ${nth}: ${fault.name}${step.overlaps ? ', and on' : ''}`);
  const done = await fault.happen(platform, randomOf(step.seed));
  say(`  done ${nth}: ${fault.name}: ${done} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
}
