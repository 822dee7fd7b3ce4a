/** Where `millrace run` writes: a table that stands still on a terminal, lines elsewhere, JSON for programs. */
import { createLogUpdate } from 'log-update';
import { type ViewRow, viewLine, viewTable } from './view.ts';

export interface Screen {
  /** One line that stays. */
  say(line: string): void;
  /** What the Pipelines do now. */
  show(rows: readonly ViewRow[]): void;
  /** Leaves what was shown last; shows nothing more. */
  close(): void;
}

/** Lines come at most this often per Pipeline, and only when something changed. */
const LINE_EVERY_MS = 3_000;

export function terminalScreen(stream: NodeJS.WriteStream): Screen {
  const update = createLogUpdate(stream, { showCursor: true });
  let shown = '';
  return {
    say: (line) => {
      update.clear();
      stream.write(`${line}\n`);
      if (shown !== '') update(shown);
    },
    show: (rows) => {
      shown = `\n${viewTable(rows, (stream.columns ?? 80) - 1)}`;
      update(shown);
    },
    close: () => {
      shown = '';
      update.done();
    },
  };
}

/** @param write takes one line, without its end */
export function lineScreen(write: (line: string) => void): Screen {
  return lines(write, viewLine);
}

/** One JSON object per line on standard output: the state of a Pipeline each time that it changed. `say` writes elsewhere. */
export function jsonScreen(write: (line: string) => void, say: (line: string) => void): Screen {
  const { show, close } = lines(write, (row) => JSON.stringify(row));
  return { say, show, close };
}

function lines(write: (line: string) => void, text: (row: ViewRow) => string): Screen {
  const last = new Map<string, { text: string; atMs: number }>();
  let newest: readonly ViewRow[] = [];
  const print = (rows: readonly ViewRow[], everyMs: number): void => {
    for (const row of rows) {
      const line = text(row);
      const before = last.get(row.pipeline);
      const now = performance.now();
      if (before && (before.text === line || now - before.atMs < everyMs)) continue;
      last.set(row.pipeline, { text: line, atMs: now });
      write(line);
    }
  };
  return {
    say: write,
    show: (rows) => {
      newest = rows;
      print(rows, LINE_EVERY_MS);
    },
    close: () => print(newest, 0),
  };
}
