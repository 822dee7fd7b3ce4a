/** The table on the terminal: a line per figure, with its bound and whether it is met. Pure. */
import { type Bound, type Figure, isMet, type Outcome } from './outcome.ts';

const HEAD = ['figure', 'value', '', 'required', 'met'] as const;

/** Lines of the table, without line ends, a group per measurement. */
export function tableLines(outcomes: Readonly<Record<string, Outcome>>): string[] {
  const groups = Object.entries(outcomes).map(([measurement, { figures }]) => ({ measurement, rows: figures.map(cells) }));
  const all = [HEAD, ...groups.flatMap(({ rows }) => rows)];
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(HEAD), ...groups.flatMap(({ measurement, rows }) => ['', measurement, ...rows.map(line)])];
}

function cells(figure: Figure): string[] {
  const met = isMet(figure);
  return [
    `  ${figure.name}`,
    shownNumber(figure.value),
    figure.unit,
    figure.bound === undefined ? '' : shownBound(figure.bound),
    met === null ? '' : met ? 'yes' : 'NO',
  ];
}

function shownBound(bound: Bound): string {
  return 'least' in bound ? `at least ${shownNumber(bound.least)}` : `below ${shownNumber(bound.below)}`;
}

/** Three digits that count; whole numbers with thousands apart. */
export function shownNumber(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}

/** How many of the figures with a bound meet it, for the last line. */
export function verdict(outcomes: Readonly<Record<string, Outcome>>): string {
  const met = Object.values(outcomes).flatMap(({ figures }) => figures.map(isMet).filter((one) => one !== null));
  return `${met.filter((one) => one).length} of ${met.length} required figures met`;
}
