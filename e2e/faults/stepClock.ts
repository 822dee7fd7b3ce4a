import { faketimeLibrary } from '../clock.ts';
import type { Fault } from './fault.ts';

const DAY_S = 86_400;

/** The clock of all roles is wrong by up to two days, either way, for a few seconds, and right again. */
export const stepClock: Fault = {
  name: 'step clock',
  target: 'clock',
  lacks: ({ clock }) => {
    if (faketimeLibrary() === null) return 'libfaketime (Debian: faketime)';
    return clock === null ? 'a platform whose clock can be set' : null;
  },
  async happen({ clock }, random) {
    const seconds = random.int(-2 * DAY_S, 2 * DAY_S);
    clock?.step(seconds);
    await new Promise((resolve) => setTimeout(resolve, random.int(1_000, 4_000))); // how long it lasts is the fault
    clock?.step(0);
    return `by ${seconds} s, and back`;
  },
};
