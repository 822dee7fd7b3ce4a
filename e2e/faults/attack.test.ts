import { expect, test } from 'vitest';
import type { Platform } from '../platform.ts';
import { attack } from './attack.ts';
import type { Fault } from './fault.ts';
import type { Step } from './schedule.ts';

const platform = {} as Platform; // these faults do nothing to it

function fault(name: string, target: Fault['target'], happen: Fault['happen'] = async () => 'done'): Fault {
  return { name, target, lacks: () => null, happen };
}

function steps(...names: [fault: string, overlaps: boolean][]): Step[] {
  return names.map(([fault, overlaps], at) => ({ nth: at + 1, fault, seed: 1, afterMs: 0, overlaps }));
}

const flows = async (): Promise<boolean> => true;

/** What was begun and ended, in order; a fault takes as long as its name says. */
async function historyOf(...names: [fault: string, overlaps: boolean, target: Fault['target']][]): Promise<string[]> {
  const history: string[] = [];
  const faults = names.map(([name, , target]) =>
    fault(name, target, async () => {
      history.push(`+${name}`);
      await new Promise((resolve) => setTimeout(resolve, name === 'long' ? 200 : 1));
      history.push(`-${name}`);
      return 'done';
    }),
  );
  const order = steps(...names.map(([name, overlaps]): [string, boolean] => [name, overlaps]));
  await attack(platform, { faults, steps: order, flows, say: () => {} });
  return history;
}

test('a fault that goes on is met by the next one, of another target only', async () => {
  expect(await historyOf(['long', false, 'sink'], ['b', false, 'database'])).toEqual(['+long', '-long', '+b', '-b']);
  expect((await historyOf(['long', true, 'sink'], ['b', true, 'database'])).slice(0, 2)).toEqual(['+long', '+b']);
  expect(await historyOf(['long', true, 'sink'], ['b', false, 'sink'])).toEqual(['+long', '-long', '+b', '-b']);
});

test('a fault that did not happen fails the run, also while others go on', async () => {
  const failing = fault('drop', 'network', async () => {
    throw new Error('no answer was dropped');
  });
  const faults = [failing, fault('kill', 'sink')];
  for (const overlaps of [true, false]) {
    const run = attack(platform, { faults, steps: steps(['drop', overlaps], ['kill', false]), flows, say: () => {} });
    await expect(run).rejects.toThrow('no answer was dropped');
  }
});

test('a fault after the end of the input fails the run', async () => {
  const lines: string[] = [];
  const late = attack(platform, {
    faults: [fault('kill', 'sink')],
    steps: steps(['kill', false], ['kill', false]),
    flows: async () => lines.length === 0,
    say: (line) => lines.push(line),
  });
  await expect(late).rejects.toThrow('lower the rate');
  expect(lines.length).toBe(2);
});

test('a schedule for other faults is refused', async () => {
  const run = attack(platform, { faults: [fault('kill', 'sink')], steps: steps(['cut', false]), flows, say: () => {} });
  await expect(run).rejects.toThrow('there is no fault cut; there are kill');
});
