import type { WorkerHealth } from '@millrace/core/role/role.ts';
import { expect, test } from 'vitest';
import type { Sample } from '../status/sample.ts';
import { judge, type Look, movement, type Verdict } from './finish.ts';

const completed: WorkerHealth = { ready: true, phase: 'completed', state: 'completed: 10 records' };
const sending: WorkerHealth = { ready: true, phase: 'running', state: 'sending' };
const failed: WorkerHealth = { ready: false, phase: 'failed', state: 'failed: no such file' };

function look(producer: WorkerHealth | null, change: { stored?: number; ended?: boolean } = {}): Look {
  const sample: Sample = {
    pipeline: 'default/p',
    table: 'default.p',
    checkpoint: {
      v: 1,
      run: 'r',
      fingerprint: 'f',
      topicId: 't',
      partitions: 1,
      ordinal: 10,
      loop: 0,
      file: 0,
      byte: 0,
      clockBaseMs: 0,
      completed: change.ended ?? true,
    },
    raw: { name: 'raw', id: 'a', bounds: [] },
    processed: { name: 'processed', id: 'b', bounds: [{ start: 0, end: 10 }] },
    dlq: { name: 'dlq', id: 'c', bounds: [] },
    processor: new Map(),
    sink: { next: new Map([[0, change.stored ?? 10]]), stored: 10, refused: 0, repeats: 0, merged: 0, lost: 0, touched: 0 },
  };
  return { sample, producer };
}

const MINUTE = 60_000;
const cases: [string, Look, number, Verdict['kind']][] = [
  ['all sent and stored', look(completed), 0, 'done'],
  ['all stored, the producer has more', look(sending), 0, 'going'],
  [
    'a checkpoint of an earlier run says completed, this producer is still looking',
    look({ ready: false, phase: 'starting', state: 'starting' }),
    0,
    'going',
  ],
  ['the producer says completed, its checkpoint is another one', look(completed, { ended: false }), 0, 'going'],
  ['all sent, some not stored', look(completed, { stored: 9 }), 0, 'going'],
  ['nothing moved for too long, some not stored', look(completed, { stored: 9 }), MINUTE, 'stalled'],
  ['a producer that keeps a pace is waited for', look(sending), 10 * MINUTE, 'going'],
  ['a producer that fails again and again is given up sooner', look(failed), MINUTE / 4, 'stalled'],
  ['a producer that was killed and comes back', look(failed), MINUTE / 5, 'going'],
  ['a producer that does not answer', look(null), MINUTE, 'stalled'],
];
test.each(cases)('%s', (_, seen, unchangedMs, expected) => {
  expect(judge(seen, unchangedMs, MINUTE).kind).toBe(expected);
});

test.each<[string, Partial<Look>, number, Verdict['kind']]>([
  ['its clients have more to send', { unsent: 'a has more to send' }, 10_000, 'going'],
  ['its clients have sent all, and the broker may have some left', { unsent: null }, 2_000, 'going'],
  ['its clients have sent all, and nothing came since', { unsent: null }, 3_000, 'done'],
  ['its clients have sent all, and the producer is not connected', { unsent: null, producer: failed }, 10_000, 'going'],
])('behind a broker: %s', (_, change, unchangedMs, expected) => {
  expect(judge({ ...look(sending, { ended: false }), viaBroker: true, ...change }, unchangedMs, MINUTE).kind).toBe(expected);
});

test('a stall says what is waited for', () => {
  expect(judge(look(failed), MINUTE, MINUTE)).toEqual({
    kind: 'stalled',
    why: 'the producer failed: no such file',
  });
});

test('a stored record is a movement, a role that is started again is none', () => {
  expect(movement(look(sending))).toBe(movement(look(sending)));
  expect(movement(look(failed))).toBe(movement(look(null)));
  expect(movement(look(sending, { stored: 9 }))).not.toBe(movement(look(sending)));
});
