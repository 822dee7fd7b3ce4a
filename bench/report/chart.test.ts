import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chart, shortNumber } from './chart.ts';
import type { Plot } from './outcome.ts';

const plot = (points: [number, number][], more: Partial<Plot> = {}): Plot => ({
  name: 'p',
  title: 'Rows & <time>',
  x: { label: 'rows/s' },
  y: { label: 'ms' },
  series: [{ name: 'p99', points }],
  ...more,
});

const coordinates = (svg: string): [number, number][] =>
  [...svg.matchAll(/<circle cx="([^"]+)" cy="([^"]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);

test('more is further right and higher up, and the axes say how much', () => {
  const svg = chart(
    plot([
      [0, 0],
      [50, 10],
      [100, 40],
    ]),
  );
  expect(coordinates(svg)).toEqual([
    [70, 330],
    [385, 257.5],
    [700, 40],
  ]);
  for (const tick of ['0', '20', '40', '100']) expect(svg).toContain(`>${tick}</text>`);
});

test('a logarithmic axis has a tenfold at each tick', () => {
  const log = { x: { label: 'rows/s', log: true }, y: { label: 'ms', log: true } } as const;
  const svg = chart(
    plot(
      [
        [100, 1],
        [1_000, 10],
        [10_000, 100],
      ],
      log,
    ),
  );
  expect(coordinates(svg)).toEqual([
    [70, 330],
    [385, 185],
    [700, 40],
  ]);
  expect(() => chart(plot([[0, 1]], log))).toThrow('above 0');
});

test('a limit above all values is in the picture', () => {
  const svg = chart(plot([[1, 100]], { limit: { label: 'required', y: 250 } }));
  const limit = Number(/y1="([\d.]+)"[^>]*stroke-dasharray/.exec(svg)?.[1]);
  expect(limit).toBeGreaterThanOrEqual(40);
  expect(limit).toBeLessThan(coordinates(svg)[0]?.[1] ?? 0);
});

test('names cannot break the picture', () => {
  expect(chart(plot([[1, 1]]))).toContain('Rows &amp; &lt;time&gt;');
});

test('every point lies within the axes, whatever was measured', () => {
  const value = fc.integer({ min: 0, max: 10 ** 12 }).map((thousandths) => thousandths / 1000);
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 30 }), (points) => {
      for (const [x, y] of coordinates(chart(plot(points)))) {
        expect(x).toBeGreaterThanOrEqual(70);
        expect(x).toBeLessThanOrEqual(700);
        expect(y).toBeGreaterThanOrEqual(40);
        expect(y).toBeLessThanOrEqual(330);
      }
    }),
  );
});

test('nothing measured is no empty picture', () => {
  expect(() => chart(plot([]))).toThrow('no points');
});

test.each([
  [0, '0'],
  [999, '999'],
  [5_000, '5000'],
  [20_000, '20k'],
  [1_500_000, '1.5M'],
])('%d on an axis is %s', (value, text) => {
  expect(shortNumber(value)).toBe(text);
});
