/** The whole bench on next to nothing, so that it never rots: figures of this size say nothing about speed. */
import { expect, test } from 'vitest';
import { MEASUREMENTS } from './measurements/index.ts';
import { chart } from './report/chart.ts';
import { runBench } from './run/run.ts';
import { SIZES } from './sizes.ts';

test('every measurement of the bench still runs and gives figures', { timeout: 600_000 }, async () => {
  const said: string[] = [];
  const { outcomes, machine } = await runBench({
    measurements: MEASUREMENTS,
    size: SIZES.smoke,
    peers: false,
    say: (line) => void said.push(line),
    signal: new AbortController().signal,
  });
  expect(Object.keys(outcomes)).toEqual(Object.keys(MEASUREMENTS));
  for (const [name, { figures, plots }] of Object.entries(outcomes)) {
    expect(figures, name).not.toEqual([]);
    for (const figure of figures) expect(figure.value, `${name}: ${figure.name}`).toBeGreaterThanOrEqual(0);
    for (const plot of plots) expect(chart(plot)).toMatch(/^<svg .*<\/svg>\n$/s);
  }
  expect(machine.cores).toBeGreaterThan(0);
});
