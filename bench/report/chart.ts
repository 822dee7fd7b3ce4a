/**
 * Line charts as SVG text: axes with round ticks, linear or logarithmic, a legend, a limit as a dashed line. Pure: the same
 * plot gives the same text. Colours are readable on white and dark pages alike; text takes the page's colour.
 */
import type { Plot } from './outcome.ts';

const WIDTH = 720;
const HEIGHT = 420;
const BOX = { left: 70, right: 700, top: 40, bottom: 330 };
/** Okabe and Ito's palette, without yellow: told apart by people who see few colours, too. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

interface Axis {
  /** From a value to a pixel. */
  at(value: number): number;
  ticks: number[];
}

/** @throws RangeError where there is nothing to draw, or a logarithm of what is not positive */
export function chart(plot: Plot): string {
  const points = plot.series.flatMap(({ points }) => points);
  if (points.length === 0) throw new RangeError(`the plot ${plot.name} has no points`);
  const heights = [...points.map(([, y]) => y), ...(plot.limit === undefined ? [] : [plot.limit.y])];
  const x = axis(
    points.map(([value]) => value),
    plot.x.log === true,
    [BOX.left, BOX.right],
  );
  const y = axis(plot.y.log === true ? heights : [0, ...heights], plot.y.log === true, [BOX.bottom, BOX.top]);
  const lines = plot.series.flatMap(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = points.map(([px, py]) => `${pixel(x.at(px))},${pixel(y.at(py))}`).join(' ');
    const dots = points.length > 40 ? [] : points.map(([px, py]) => circle(x.at(px), y.at(py), `${colour}`));
    const legendX = BOX.left + (index % 4) * 160;
    const legendY = HEIGHT - 26 + Math.floor(index / 4) * 16;
    return [
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>`,
      ...dots,
      `<rect x="${legendX}" y="${legendY - 9}" width="10" height="10" fill="${colour}"/>`,
      text(legendX + 15, legendY, name),
    ];
  });
  const limit = plot.limit === undefined ? [] : limitLine(y.at(plot.limit.y), plot.limit.label);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#808080">`,
    text((BOX.left + BOX.right) / 2, 20, plot.title, 'font-size="14" text-anchor="middle"'),
    ...x.ticks.flatMap((tick) => [
      rule(x.at(tick), BOX.top, x.at(tick), BOX.bottom),
      text(x.at(tick), BOX.bottom + 16, shortNumber(tick), 'text-anchor="middle"'),
    ]),
    ...y.ticks.flatMap((tick) => [
      rule(BOX.left, y.at(tick), BOX.right, y.at(tick)),
      text(BOX.left - 6, y.at(tick) + 4, shortNumber(tick), 'text-anchor="end"'),
    ]),
    text((BOX.left + BOX.right) / 2, BOX.bottom + 34, plot.x.label, 'text-anchor="middle"'),
    text(BOX.left - 60, BOX.top - 10, plot.y.label),
    ...lines,
    ...limit,
    '</svg>',
  ].join('\n')}\n`;
}

function axis(values: readonly number[], isLog: boolean, [from, to]: [number, number]): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (isLog) {
    if (low <= 0) throw new RangeError(`${low} on a logarithmic axis; allowed is what is above 0`);
    const [first, last] = [Math.floor(Math.log10(low)), Math.max(Math.floor(Math.log10(low)) + 1, Math.ceil(Math.log10(high)))];
    const ticks = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
    return { ticks, at: (value) => from + ((Math.log10(value) - first) / (last - first)) * (to - from) };
  }
  const step = roundStep((high - low || Math.abs(high) || 1) / 5);
  const [first, last] = [Math.floor(low / step), Math.max(Math.floor(low / step) + 1, Math.ceil(high / step))];
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return { ticks, at: (value) => from + ((value / step - first) / (last - first)) * (to - from) };
}

/** The next of 1, 2, 5, 10, 20, 50 … */
function roundStep(step: number): number {
  const unit = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 5].find((factor) => factor * unit >= step) ?? 10) * unit;
}

/** 1500000 as 1.5M. */
export function shortNumber(value: number): string {
  const [divisor, letter] = Math.abs(value) >= 1e6 ? [1e6, 'M'] : Math.abs(value) >= 1e4 ? [1e3, 'k'] : [1, ''];
  return `${Number((value / divisor).toPrecision(4))}${letter}`;
}

function limitLine(y: number, label: string): string[] {
  return [
    `<line x1="${BOX.left}" y1="${pixel(y)}" x2="${BOX.right}" y2="${pixel(y)}" stroke="#d00000" stroke-dasharray="6 4"/>`,
    text(BOX.right - 4, y - 5, label, 'text-anchor="end"'),
  ];
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${pixel(x1)}" y1="${pixel(y1)}" x2="${pixel(x2)}" y2="${pixel(y2)}" stroke="#808080" stroke-opacity="0.25"/>`;
}

function circle(x: number, y: number, colour: string): string {
  return `<circle cx="${pixel(x)}" cy="${pixel(y)}" r="3" fill="${colour}"/>`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;' })[character] ?? '&gt;');
  return `<text x="${pixel(x)}" y="${pixel(y)}"${attributes === '' ? '' : ` ${attributes}`}>${escaped}</text>`;
}

function pixel(value: number): string {
  return String(Math.round(value * 10) / 10);
}
