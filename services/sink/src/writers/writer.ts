/** How rows get into the table: one file per way beside this one, and a line in `index.ts`. */
import type { PipelineNames } from '@millrace/core/spec/names.ts';
import type { Column } from '@millrace/core/table/columns.ts';
import type { ClientBase } from 'pg';
import type { TableRow, WriteLine } from '../incoming.ts';
import type { LatestTable } from '../latest.ts';

export interface Target {
  names: Pick<PipelineNames, 'schema' | 'table'>;
  columns: readonly Column[];
  latest: LatestTable;
}

export interface Unique {
  columns: readonly string[];
  keep: 'last' | 'first';
}

/** Rows by ledger hour (`hourOf`). */
export type Merged = ReadonlyMap<number, number>;

export interface Writer {
  /** Writes the COPY line of a row. */
  readonly writeLine: WriteLine;
  /** SQL to run right after BEGIN; null: none. */
  readonly prepareSql: string | null;
  /**
   * Writes rows, given in log order, in the open transaction; all or nothing.
   * @param sent may be called once, when the rows are on their way: time for what needs no answer of the database
   * @returns how many rows did not make the table longer but were merged into others, by ledger hour of their raw append time
   * @throws pg.DatabaseError; the transaction (or savepoint) must be rolled back then
   */
  write(client: ClientBase, rows: readonly TableRow[], sent?: () => void): Promise<Merged>;
  /** SQL for the last round trip, for all the rows that were written; null: none. */
  closingSql(rows: readonly TableRow[]): string | null;
}
