/** What a measurement gives, and how a figure stands to what is required of it. Pure. */
import type { Look } from '../run/steady.ts';

/** What the project asks of a figure (issue: Speed). */
export type Bound = { least: number } | { below: number };

export interface Figure {
  name: string;
  value: number;
  unit: 'rows/s' | 'pushes/s' | '×' | 'ms' | 's' | 'MiB' | '%' | 'CPU s per million rows' | 'rows' | 'pushes';
  bound?: Bound;
}

export interface Series {
  name: string;
  points: [x: number, y: number][];
}

export interface Plot {
  /** File name without its ending. */
  name: string;
  title: string;
  x: { label: string; log?: true };
  y: { label: string; log?: true };
  series: Series[];
  /** A horizontal line: what is required. */
  limit?: { label: string; y: number };
}

export interface Outcome {
  figures: Figure[];
  /** How it was measured, as far as the README does not say it: what was left out, which peer was taken. */
  notes: string[];
  plots: Plot[];
}

export function isMet({ value, bound }: Pick<Figure, 'value' | 'bound'>): boolean | null {
  if (bound === undefined) return null;
  return 'least' in bound ? value >= bound.least : value < bound.below;
}

/** Resident memory over time, for a plot. */
export function memorySeries(name: string, looks: readonly Look[]): Series {
  return { name, points: looks.map(({ atMs, residentMebibytes }) => [atMs / 1000, residentMebibytes]) };
}
