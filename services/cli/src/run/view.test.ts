import type { WorkerHealth } from '@millrace/core/role/role.ts';
import { expect, test } from 'vitest';
import { stateOf, type ViewRow, viewLine, viewTable } from './view.ts';

const row: ViewRow = {
  pipeline: 'default/traffic',
  totals: { read: 5236, stored: 3742, refused: 0, dropped: 1494, repeats: 0, merged: 0, lost: 0, lagMessages: 0 },
  rowsPerSecond: 1234.56,
  behind: null,
  health: {
    producer: { ready: true, phase: 'completed', state: 'completed: 5236 records' },
    processor: { ready: true, phase: 'running', state: 'reading' },
    sink: { ready: true, phase: 'running', state: 'reading' },
  },
};
const busy: ViewRow = {
  pipeline: 'plant/a',
  totals: { read: 12, stored: 2, refused: 1, dropped: 0, repeats: 3, merged: 0, lost: 0, lagMessages: 6 },
  rowsPerSecond: 0,
  behind: 'the sink has 6 records to store',
  health: {
    producer: { ready: true, phase: 'running', state: 'sending' },
    processor: { ready: true, phase: 'running', state: 'reading' },
    sink: { ready: false, phase: 'paused', state: 'paused: disk\u001b[2J full' },
  },
};

test('the table of a terminal', () => {
  expect(viewTable([row, busy], 120)).toBe(
    [
      'pipeline   read  stored  refused  dropped  repeats  lag  rows/s  state',
      'traffic   5,236   3,742        0    1,494        0    0   1,235  completed',
      'plant/a      12       2        1        0        3    6       0  sink: paused: disk\\u001b[2J full',
    ].join('\n'),
  );
});

test('rows that a unique table merged are shown where there are any', () => {
  const merging = { ...row, totals: { ...row.totals, stored: 3_700, merged: 42 } };
  expect(viewTable([merging, busy], 120).split('\n').slice(0, 2)).toEqual([
    'pipeline   read  stored  refused  dropped  repeats  merged  lag  rows/s  state',
    'traffic   5,236   3,700        0    1,494        0      42    0   1,235  completed',
  ]);
  expect(viewLine(merging)).toContain('repeats 0, merged 42, lag 0');
});

test('a narrow terminal does not wrap', () => {
  for (const line of viewTable([row, busy], 40).split('\n')) expect(line.length).toBeLessThanOrEqual(40);
});

test('the line of a log', () => {
  expect(viewLine(row)).toBe(
    'traffic: read 5,236, stored 3,742, refused 0, dropped 1,494, repeats 0, lag 0, 1,235 rows/s: completed',
  );
});

test('the state tells the worst first', () => {
  const { totals } = busy;
  const ready: WorkerHealth = { ready: true, phase: 'running', state: 'reading' };
  expect(stateOf({ producer: ready, sink: null }, totals, null)).toBe('sink: does not answer');
  expect(
    stateOf(
      { producer: { ready: true, phase: 'completed', state: 'completed: 12 records' }, sink: ready },
      totals,
      'the sink has 6 records to store',
    ),
  ).toBe('all sent');
  const behind = 'the roll-ups have 2 buckets to refresh';
  expect(stateOf(row.health, row.totals, behind)).toBe(behind);
  expect(stateOf({ producer: ready, sink: ready }, totals, null)).toBe('flowing');
});
