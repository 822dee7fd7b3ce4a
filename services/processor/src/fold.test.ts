import {
  COUNTERS,
  decodeProgress,
  encodeProgress,
  freshProgress,
  hoursKept,
  type Progress,
  skippedIn,
} from '@millrace/core/record/progress.ts';
import { encodeReplayPosition, type ReplayPosition } from '@millrace/core/record/raw.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, afterNotice, draftOf, isRepeat, originTopicId, replayPositionOf } from './fold.ts';
import type { Outcome } from './transform.ts';

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const outcome = fc.constantFrom<Outcome>(
  { kind: 'row', index: 0, row: {}, value: Buffer.from('') },
  { kind: 'refused', index: 0, stage: 'decode', reason: 'parse', message: '', value: null },
  { kind: 'dropped', index: 0, filter: 'f' },
);
const position = fc.option(fc.record({ run: fc.constantFrom('a', 'b'), ordinal: fc.nat(30) }));
const HOUR = 3_600_000;
/** Mostly forward through some days, now and then back. */
const timestampMs = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 80 * HOUR }));
const step = fc.record({ timestampMs, position, outcomes: fc.array(outcome, { minLength: 1, maxLength: 5 }) });

interface Step {
  timestampMs: number;
  offset?: number;
  position?: ReplayPosition | null;
  /** null: a repeat, whatever its position says. */
  outcomes: Outcome[] | null;
}

function fold(steps: readonly Step[], from: Progress): Progress {
  const draft = draftOf(from);
  for (const { timestampMs, offset = draft.next ?? 7, position: at = null, outcomes } of steps) {
    const isSeen = outcomes === null || isRepeat(draft, at);
    advance(draft, { timestampMs, offset }, at, isSeen ? null : { outcomes });
  }
  return draft;
}

const summed = ({ hours }: Progress): number[] =>
  COUNTERS.map((_, column) => hours.reduce((sum, entry) => sum + (entry[column + 2] as number), 0));
const totals = (progress: Progress): number[] => COUNTERS.map((name) => progress[name]);

test('hours and what was left out of them are the totals; the latest hours are kept, in order', () => {
  const steps = fc.array(step, { maxLength: 60 });
  fc.assert(
    fc.property(steps, steps, fc.array(fc.integer({ min: 0, max: 70 * HOUR }), { maxLength: 64 }), (some, more, cuts) => {
      const before = fold(some, { ...freshProgress('id', 'processed'), cuts });
      const after = fold(more, before);
      for (const [column, sum] of summed(after).entries()) expect(sum).toBeLessThanOrEqual(totals(after)[column] as number);
      expect(after.hours.length).toBeLessThanOrEqual(hoursKept(cuts.length));
      const places = after.hours.map(([hour, generation]) => hour * 100 + generation);
      expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
      if (summed(after)[0] === after.records) expect(summed(after)).toEqual(totals(after));
      // An hour that was left out never comes back with a part of what it held.
      const [first] = before.hours;
      const folded = (summed(before)[0] as number) < before.records;
      const [firstAfter] = after.hours;
      if (folded && first && firstAfter) expect(firstAfter[0]).toBeGreaterThanOrEqual(first[0]);
      expect(skippedIn(after)).toBe(0);
    }),
  );
});

test('records of one hour count in it, a late one too; after two days the first hours are in the totals only', () => {
  const row: Outcome = { kind: 'row', index: 0, row: {}, value: Buffer.from('') };
  const at = (hours: number) => ({ timestampMs: hours * HOUR, position: null, outcomes: [row] });
  const three = fold([at(0), at(1), at(0.5)], freshProgress('id', 'processed'));
  expect(three.hours).toEqual([
    [0, 0, 2, 2, 2, 0, 0, 0],
    [1, 0, 1, 1, 1, 0, 0, 0],
  ]);
  const days = fold(
    Array.from({ length: 48 }, (_, hour) => at(hour)),
    three,
  );
  expect(days.hours.map(([hour]) => hour)).toEqual(Array.from({ length: 24 }, (_, hour) => hour + 24));
  expect(days).toMatchObject({ records: 51, raw: 51, rows: 51, since: 7, next: 58 });
  expect(fold([at(3)], days).hours).toEqual(days.hours);
});

test('offsets that gave no record are told', () => {
  const at = (offset: number): Step => ({ timestampMs: 1, offset, outcomes: null });
  expect(skippedIn(fold([at(100), at(104)], freshProgress('id', 'p')))).toBe(3);
});

test('what an older processor committed is read on, and its records count from here', () => {
  const { hours, since, next, records, ...old } = { ...freshProgress('id', 'processed'), raw: 9, rows: 8, dropped: 1 };
  expect([hours, since, next, records]).toEqual([[], null, null, 0]);
  const read = decodeProgress(JSON.stringify({ ...old, v: 1 }));
  expect(read).toEqual({ ...freshProgress('id', 'processed'), raw: 9, rows: 8, dropped: 1 });
  const on = fold([{ timestampMs: 5, offset: 9, outcomes: null }], read as Progress);
  expect(on).toMatchObject({ since: 0, next: 10, records: 10, raw: 10, repeats: 1, hours: [[0, 0, 1, 1, 0, 0, 0, 1]] });
  expect(skippedIn(on)).toBe(0);
});

test('progress that somebody holds never changes: a send that fails goes back to it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 30 }), (some, more) => {
      const held = fold(some, freshProgress('id', 'processed'));
      const before = structuredClone(held);
      const once = fold(more, held);
      expect(held).toEqual(before);
      expect(fold(more, held)).toEqual(once);
    }),
  );
});

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

test.each(upTo(65))('the most progress there can be fits into the metadata of a commit, after %d cuts', (cuts) => {
  expect(hoursKept(cuts)).toBeGreaterThan(11);
  const most = Number.MAX_SAFE_INTEGER;
  const progress: Progress = {
    v: 2,
    topicId: 'x'.repeat(40),
    processedId: 'x'.repeat(40),
    timestampMs: most,
    cuts: Array.from({ length: cuts }, () => 1_700_000_000_000_000_000),
    replay: { run: 'r'.repeat(64), ordinal: most },
    ...{ since: most, next: most, records: most, raw: most, rows: most, refused: most, dropped: most, repeats: most },
    hours: Array.from({ length: hoursKept(cuts) }, () => [-17_259_888, 64, most, most, most, most, most, most]),
  };
  expect(Buffer.byteLength(encodeProgress(progress))).toBeLessThan(4096);
  expect(decodeProgress(encodeProgress(progress))).toEqual(progress);
});
