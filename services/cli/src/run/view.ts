/** What `millrace run` shows of its Pipelines, as text; pure. */
import type { WorkerHealth } from '@millrace/core/role/role.ts';
import type { Totals } from '../status/totals.ts';
import { count, printable, type TextColumn, table } from '../text.ts';
import { isCompleted } from './finish.ts';

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

const COLUMNS: readonly TextColumn[] = [
  { title: 'pipeline', align: 'left' },
  { title: 'read', align: 'right' },
  { title: 'stored', align: 'right' },
  { title: 'refused', align: 'right' },
  { title: 'dropped', align: 'right' },
  { title: 'repeats', align: 'right' },
  { title: 'lag', align: 'right' },
  { title: 'rows/s', align: 'right' },
  { title: 'state', align: 'left' },
];

/** The table that stands still on a terminal. */
export function viewTable(rows: readonly ViewRow[], width: number): string {
  return table(
    COLUMNS,
    rows.map(({ pipeline, totals, rowsPerSecond, behind, health }) => [
      shortName(pipeline),
      count(totals.read),
      count(totals.stored),
      count(totals.refused),
      count(totals.dropped),
      count(totals.repeats),
      count(totals.lagMessages),
      count(rowsPerSecond),
      stateOf(health, totals, behind),
    ]),
    width,
  ).join('\n');
}

/** One line for where there is no terminal. */
export function viewLine({ pipeline, totals, rowsPerSecond, behind, health }: ViewRow): string {
  const { read, stored, refused, dropped, repeats, lagMessages } = totals;
  const counts = `read ${count(read)}, stored ${count(stored)}, refused ${count(refused)}, dropped ${count(dropped)}`;
  const rest = `repeats ${count(repeats)}, lag ${count(lagMessages)}, ${count(rowsPerSecond)} rows/s`;
  return `${shortName(pipeline)}: ${counts}, ${rest}: ${stateOf(health, totals, behind)}`;
}

/** What a person must know first: a role that is not ready, else whether the input ended. */
export function stateOf(health: ViewRow['health'], totals: Totals, behind: string | null): string {
  for (const [role, worker] of Object.entries(health)) {
    if (worker === null) return `${role}: does not answer`;
    if (!worker.ready) return `${role}: ${printable(worker.state)}`;
  }
  const { producer } = health;
  if (producer && isCompleted(producer)) return totals.lagMessages > 0 ? 'all sent' : (behind ?? 'completed');
  return 'flowing';
}

/** `default/traffic` is "traffic" to a person on a laptop. */
export function shortName(pipeline: string): string {
  return pipeline.replace(/^default\//, '');
}
