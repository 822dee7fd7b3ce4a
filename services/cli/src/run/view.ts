/** What `millrace run` shows of its Pipelines, as text; pure. */
import type { WorkerHealth } from '@millrace/core/role/role.ts';
import type { Totals } from '../status/totals.ts';
import { count, printable, type TextColumn, table } from '../text.ts';

export interface ViewRow {
  pipeline: string;
  totals: Totals;
  /** Rows stored per second, over the last few seconds. */
  rowsPerSecond: number;
  /** What has to happen until all that arrived is stored; null: nothing. */
  behind: string | null;
  /** By role, of this Pipeline; null: the role does not answer. */
  health: Record<string, WorkerHealth | null>;
}

interface ViewColumn extends TextColumn {
  of(row: ViewRow): string;
}

const number = (title: string, of: (row: ViewRow) => number): ViewColumn => ({
  title,
  align: 'right',
  of: (row) => count(of(row)),
});

/** The table that stands still on a terminal. Only tables with `unique` merge: a column for those who have one. */
export function viewTable(rows: readonly ViewRow[], width: number): string {
  const merged = rows.some(({ totals }) => totals.merged > 0) ? [number('merged', ({ totals }) => totals.merged)] : [];
  const columns: ViewColumn[] = [
    { title: 'pipeline', align: 'left', of: ({ pipeline }) => shortName(pipeline) },
    number('read', ({ totals }) => totals.read),
    number('stored', ({ totals }) => totals.stored),
    number('refused', ({ totals }) => totals.refused),
    number('dropped', ({ totals }) => totals.dropped),
    number('repeats', ({ totals }) => totals.repeats),
    ...merged,
    number('lag', ({ totals }) => totals.lagMessages),
    number('rows/s', ({ rowsPerSecond }) => rowsPerSecond),
    { title: 'state', align: 'left', of: ({ health, totals, behind }) => stateOf(health, totals, behind) },
  ];
  return table(
    columns,
    rows.map((row) => columns.map(({ of }) => of(row))),
    width,
  ).join('\n');
}

/** One line for where there is no terminal. */
export function viewLine({ pipeline, totals, rowsPerSecond, behind, health }: ViewRow): string {
  const { read, stored, refused, dropped, repeats, merged, lagMessages } = totals;
  const counts = `read ${count(read)}, stored ${count(stored)}, refused ${count(refused)}, dropped ${count(dropped)}`;
  const rest = `repeats ${count(repeats)}${merged === 0 ? '' : `, merged ${count(merged)}`}, lag ${count(lagMessages)}, ${count(rowsPerSecond)} rows/s`;
  return `${shortName(pipeline)}: ${counts}, ${rest}: ${stateOf(health, totals, behind)}`;
}

/** What a person must know first: a role that is not ready, else whether the input ended. */
export function stateOf(health: ViewRow['health'], totals: Totals, behind: string | null): string {
  for (const [role, worker] of Object.entries(health)) {
    if (worker === null) return `${role}: does not answer`;
    if (!worker.ready) return `${role}: ${printable(worker.state)}`;
  }
  const { producer } = health;
  if (producer?.phase === 'completed') return totals.lagMessages > 0 ? 'all sent' : (behind ?? 'completed');
  return 'flowing';
}

/** `default/traffic` is "traffic" to a person on a laptop. */
export function shortName(pipeline: string): string {
  return pipeline.replace(/^default\//, '');
}
