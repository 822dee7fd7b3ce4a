import type { Checkpoint } from '@millrace/core/record/checkpoint.ts';
import { REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import { describe, expect, test } from 'vitest';
import { decideRun, fingerprintOf, highestOrdinal, spread } from './run.ts';

const stored: Checkpoint = {
  v: 1,
  run: 'r1',
  fingerprint: 'set.file',
  topicId: 'T',
  partitions: 3,
  ordinal: 10,
  loop: 0,
  file: 0,
  byte: 100,
  crc: 1,
  clockBaseMs: 0,
  completed: false,
};
const topic = { id: 'T', partitions: 3 };

describe('which run a start goes on with', () => {
  test.each<[string, Checkpoint | null, string, { id: string; partitions: number }, boolean | null, string]>([
    ['nothing committed', null, 'set.file', topic, null, 'new: there is no checkpoint'],
    ['all the same', stored, 'set.file', topic, null, 'resume'],
    ['all the same, completed', { ...stored, completed: true }, 'set.file', topic, null, 'resume'],
    [
      'the topic was recreated',
      stored,
      'set.file',
      { id: 'U', partitions: 3 },
      null,
      'new: the raw topic was created again (its id is U, was T)',
    ],
    ['partitions were added', stored, 'set.file', { id: 'T', partitions: 4 }, null, 'resume'],
    ['partitions are fewer', stored, 'set.file', { id: 'T', partitions: 2 }, null, 'new: the raw topic has 2 partitions, had 3'],
    ['other settings', stored, 'other.file', topic, null, 'new: the settings of the source were changed'],
    ['other settings, same content', stored, 'other.file2', topic, true, 'new: the settings of the source were changed'],
    ['another file', stored, 'set.file2', topic, null, 'compare'],
    ['a file that grew', stored, 'set.file2', topic, true, 'resume'],
    ['another file, compared', stored, 'set.file2', topic, false, 'new: the input is another one'],
    ['a URL without a version', { ...stored, fingerprint: 'set.?' }, 'set.?', topic, null, 'compare'],
  ])('%s', (_name, checkpoint, fingerprint, now, continues, expected) => {
    const decision = decideRun(checkpoint, { fingerprint, topic: now }, continues);
    expect(decision.kind === 'new' ? `new: ${decision.why}` : decision.kind).toBe(expected);
  });

  test('an input that does not tell its version has a fingerprint of its own', () => {
    expect([fingerprintOf('set', 'file'), fingerprintOf('set', null)]).toEqual(['set.file', 'set.?']);
  });
});

test('the highest ordinal of the run, past records of others', () => {
  const record = (position: string | null) => ({
    headers: position === null ? {} : { [REPLAY_POSITION_HEADER]: Buffer.from(position) },
  });
  expect(highestOrdinal([], 'r1')).toBe(-1);
  expect(highestOrdinal([record('r0:9'), record(null), record('junk')], 'r1')).toBe(-1);
  expect(highestOrdinal([record('r1:7'), record('r1:5'), record('r2:9'), record(null)], 'r1')).toBe(7);
});

test.each([
  ['as many partitions as before', 3, [4, 20, -1], { partitions: 3, until: Number.POSITIVE_INFINITY }],
  ['added, nothing behind the checkpoint', 5, [9, 8, -1, -1, -1], { partitions: 5, until: Number.POSITIVE_INFINITY }],
  ['added, some behind the checkpoint: first those, as they were', 5, [12, 8, 10, -1, -1], { partitions: 3, until: 13 }],
])('spread over partitions: %s', (_name, partitions, last, expected) => {
  expect(spread(stored, partitions, last)).toEqual(expected);
});
