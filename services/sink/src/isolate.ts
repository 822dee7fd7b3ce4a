/**
 * Finds the rows of a batch that the database refuses, so that their neighbours are stored (DESIGN 1.3).
 *
 * Invariants:
 * - A row is refused only when it was sent alone and the database refused it then. The line number of an error is a
 *   hint where to look first, no verdict.
 * - Rows are written in log order, whatever is left out between them.
 * - A batch of which every row is refused is not the rows' fault: nothing of it is refused, `RefusedWhole` says so. Rows that
 *   were refused before and are redriven say nothing about that. Nor does a text that PostgreSQL has no place for (a NUL):
 *   no other table would take it, and what follows must not wait for ever.
 */
import { consequenceOf, sqlStateOf } from '@millrace/core/database/errors.ts';
import { guarded } from '@millrace/core/guards.ts';
import type { ClientBase } from 'pg';
import type { RefusedRow, TableRow } from './incoming.ts';
import type { Merged, Writer } from './writers/writer.ts';

/** Batches of fewer rows may be refused whole: three bad rows of three prove nothing about the table. */
export const WHOLE_FROM_ROWS = 10;
/** Rows, spread over the batch, that are tried alone before it counts as refused whole. */
const PROBES = 64;

/** Every row of a batch was refused: the table or the pipeline does not fit, and somebody has to look. */
export class RefusedWhole extends Error {
  override name = 'RefusedWhole';
}

export interface Isolated {
  /** In log order. */
  written: TableRow[];
  /** How many of these were merged into others, by ledger hour. */
  merged: Map<number, number>;
  refused: RefusedRow[];
}

/** Whether an error on writing rows is about the rows (SQLSTATE 22, 23), or that one is too large for an index or page. */
export function isRowError(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (!guarded('row-errors-only')) return state !== undefined;
  // 54000: one device with an endless key must not stop all others for ever, which pausing would do.
  return consequenceOf(state) === 'row' || state === '54000';
}

/**
 * Writes what can be written, under savepoints of the open transaction.
 * @throws RefusedWhole; any error that is not about a row
 */
export async function isolate(client: ClientBase, rows: readonly TableRow[], write: Writer['write']): Promise<Isolated> {
  const first = rows.filter(({ incoming }) => incoming.redrive === null);
  if (guarded('refused-whole') && first.length >= WHOLE_FROM_ROWS) await probe(client, first, write);
  const result: Isolated = { written: [], merged: new Map(), refused: [] };
  await writePart(rows);
  return result;

  async function writePart(part: readonly TableRow[]): Promise<void> {
    if (part.length === 0) return;
    const attempt = await tryWrite(client, part, write, 'keep');
    if ('merged' in attempt) {
      for (const row of part) result.written.push(row);
      for (const [hour, rows] of attempt.merged) result.merged.set(hour, (result.merged.get(hour) ?? 0) + rows);
      return;
    }
    const [only] = part;
    if (part.length === 1 && only !== undefined) {
      result.refused.push(refusedBy(only, attempt.error));
      return;
    }
    for (const piece of pieces(part, lineOf(attempt.error))) await writePart(piece);
  }
}

/**
 * How to go on with rows of which one at least is refused. Around the line that the error names: what stands before it,
 * the row, and two halves of the rest, so that many bad rows take few rounds; without a line, two halves.
 */
export function pieces<T>(part: readonly T[], line: number | null): T[][] {
  const bad = line !== null && line >= 1 && line <= part.length ? line - 1 : null;
  if (bad === null) return halves(part);
  return [part.slice(0, bad), part.slice(bad, bad + 1), ...halves(part.slice(bad + 1))].filter(({ length }) => length > 0);
}

function halves<T>(part: readonly T[]): T[][] {
  const middle = Math.ceil(part.length / 2);
  return [part.slice(0, middle), part.slice(middle)];
}

/** Line of a COPY, from 1, that an error is about (`COPY traffic_events, line 3, column speed: "fast"`); null: none named. */
function lineOf(error: Error): number | null {
  const match = /^COPY .*?, line (\d+)/m.exec(fieldOf(error, 'where'));
  return match ? Number(match[1]) : null;
}

/** A text with a NUL, as it is (22021) or as an escape in JSON (22P05). */
const IN_NO_TABLE: ReadonlySet<string | undefined> = new Set(['22021', '22P05']);

/** Tries rows spread over the batch, each alone and rolled back, until one is taken, or refused for what no table takes. */
async function probe(client: ClientBase, rows: readonly TableRow[], write: Writer['write']): Promise<void> {
  const step = Math.max(1, rows.length / PROBES);
  let tried = 0;
  let first: Error | null = null;
  for (let at = 0; Math.floor(at) < rows.length; at += step) {
    const index = Math.floor(at);
    const attempt = await tryWrite(client, rows.slice(index, index + 1), write, 'undo');
    if ('merged' in attempt || IN_NO_TABLE.has(sqlStateOf(attempt.error))) return;
    first ??= attempt.error;
    tried += 1;
  }
  const which = tried === rows.length ? `all ${tried} rows` : `all of ${tried} rows tried out of ${rows.length}`;
  throw new RefusedWhole(`the database refuses ${which} of a batch, so nothing of it is refused; the first: ${first?.message}`, {
    cause: first,
  });
}

async function tryWrite(
  client: ClientBase,
  rows: readonly TableRow[],
  write: Writer['write'],
  afterwards: 'keep' | 'undo',
): Promise<{ merged: Merged } | { error: Error }> {
  await client.query('SAVEPOINT part');
  try {
    const merged = await write(client, rows);
    await client.query(afterwards === 'keep' ? 'RELEASE part' : 'ROLLBACK TO part; RELEASE part');
    return { merged };
  } catch (error) {
    if (!(error instanceof Error) || !isRowError(error)) throw error;
    await client.query('ROLLBACK TO part; RELEASE part');
    return { error };
  }
}

function refusedBy({ incoming }: TableRow, error: Error): RefusedRow {
  // `where` names the column and shows the value; its line counts within our batch and tells nobody anything.
  const column = /column [^\n]*/.exec(fieldOf(error, 'where'))?.[0] ?? '';
  const message = [error.message, fieldOf(error, 'detail'), column].filter((text) => text !== '').join('; ');
  return { incoming, reason: sqlStateOf(error) ?? 'unknown', message };
}

function fieldOf(error: Error, name: 'where' | 'detail'): string {
  const value = (error as Error & { where?: unknown; detail?: unknown })[name];
  return typeof value === 'string' ? value : '';
}
