import { decodeProgress, encodeProgress, freshProgress, type Progress } from '@millrace/core/record/progress.ts';
import { encodeReplayPosition, type ReplayPosition } from '@millrace/core/record/raw.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, afterNotice, isRepeat, originTopicId, replayPositionOf } from './fold.ts';
import type { Outcome } from './transform.ts';

const outcome = fc.constantFrom<Outcome>(
  { kind: 'row', index: 0, row: {}, value: Buffer.from('') },
  { kind: 'refused', index: 0, stage: 'decode', reason: 'parse', message: '', value: null },
  { kind: 'dropped', index: 0, filter: 'f' },
);
const position = fc.option(fc.record({ run: fc.constantFrom('a', 'b'), ordinal: fc.nat(30) }));
const step = fc.record({ timestampMs: fc.nat(), position, outcomes: fc.array(outcome, { minLength: 1, maxLength: 5 }) });

function fold(steps: { timestampMs: number; position: ReplayPosition | null; outcomes: Outcome[] }[], from: Progress): Progress {
  return steps.reduce(
    (progress, { timestampMs, position: at, outcomes }) =>
      advance(progress, { timestampMs }, at, isRepeat(progress, at) ? null : { outcomes }),
    from,
  );
}

test('raw is the sum of all ends, whatever is read', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const { raw, rows, refused, dropped, repeats } = fold(steps, freshProgress('id', 'processed'));
      expect(raw).toBe(rows + refused + dropped + repeats);
      expect(raw).toBeGreaterThanOrEqual(steps.length);
    }),
  );
});

test('committed anywhere and read back, it goes on to the same sums', () => {
  fc.assert(
    fc.property(fc.array(step), fc.nat(), (steps, at) => {
      const cut = steps.length === 0 ? 0 : at % steps.length;
      const committed = decodeProgress(encodeProgress(fold(steps.slice(0, cut), freshProgress('id', 'processed'))));
      expect(committed).not.toBeNull();
      expect(fold(steps.slice(cut), committed as Progress)).toEqual(fold(steps, freshProgress('id', 'processed')));
    }),
  );
});

test('a replay that sends its records again is counted once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 10 }), (restarts) => {
      let progress = freshProgress('id', 'processed');
      let sent = 0;
      const seen = new Set<number>();
      for (const back of [0, ...restarts]) {
        sent = Math.max(0, sent - back); // killed: goes back to its checkpoint
        for (const end = sent + 15; sent < end; sent++) {
          const at = { run: 'r', ordinal: sent };
          if (!isRepeat(progress, at)) {
            expect(seen.has(sent)).toBe(false);
            seen.add(sent);
          }
          progress = fold([{ timestampMs: 1, position: at, outcomes: [{ kind: 'dropped', index: 0, filter: 'f' }] }], progress);
        }
      }
      expect(progress.dropped).toBe(seen.size);
      expect(seen.size).toBe(Math.max(...seen) + 1);
    }),
  );
});

test('a new run and records without a position are no repeats', () => {
  const progress = { ...freshProgress('id', 'processed'), replay: { run: 'a', ordinal: 5 } };
  expect(isRepeat(progress, { run: 'a', ordinal: 5 })).toBe(true);
  expect(isRepeat(progress, { run: 'a', ordinal: 6 })).toBe(false);
  expect(isRepeat(progress, { run: 'b', ordinal: 0 })).toBe(false);
  expect(isRepeat(progress, null)).toBe(false);
  expect(isRepeat(freshProgress('id', 'processed'), { run: 'a', ordinal: 0 })).toBe(false);
  expect(
    replayPositionOf({ headers: { 'replay-position': Buffer.from(encodeReplayPosition({ run: 'a', ordinal: 5 })) } }),
  ).toEqual({
    run: 'a',
    ordinal: 5,
  });
  expect(replayPositionOf({ headers: { 'replay-position': Buffer.from('junk') } })).toBeNull();
});

describe('when something happens to the log', () => {
  const before: Progress = {
    ...freshProgress('id', 'processed'),
    raw: 9,
    rows: 9,
    timestampMs: 50,
    cuts: [10],
    replay: { run: 'a', ordinal: 5 },
  };
  const place = { topic: 't', partition: 0 };

  test('a cut log gives new origins to what was appended later, and the old ones to what stood before', () => {
    const truncated = { kind: 'truncated' as const, ...place, next: 9, end: 3, restartAt: 0, bookmark: { timestampMs: 50 } };
    const after = afterNotice(before, truncated);
    expect(after).toEqual({ ...freshProgress('id', 'processed'), cuts: [10, 50] });
    expect([10, 11, 50, 51].map((timestampMs) => originTopicId(after, { timestampMs }))).toEqual(['id', 'id~1', 'id~1', 'id~2']);
    const many = { ...before, cuts: Array.from({ length: 64 }, () => 10) };
    expect(() => afterNotice(many, truncated)).toThrow(/cut 65 times; allowed are 64/);
  });

  test('a recreated topic starts anew', () => {
    expect(afterNotice(before, { kind: 'recreated', ...place, expected: 'id', found: 'other', restartAt: 0 })).toEqual(
      freshProgress('other', 'processed'),
    );
  });

  test('lost records change no count: they were never read', () => {
    expect(afterNotice(before, { kind: 'lost', ...place, next: 9, start: 20, records: 11 })).toBe(before);
  });
});

test('the most progress there can be fits into the metadata of a commit', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const progress: Progress = {
    v: 1,
    topicId: 'x'.repeat(40),
    processedId: 'x'.repeat(40),
    timestampMs: most,
    cuts: Array.from({ length: 64 }, () => 9_999_999_999_999),
    replay: { run: 'r'.repeat(64), ordinal: most },
    ...{ raw: most, rows: most, refused: most, dropped: most, repeats: most },
  };
  expect(Buffer.byteLength(encodeProgress(progress))).toBeLessThan(4096);
  expect(decodeProgress(encodeProgress(progress))).toEqual(progress);
});
