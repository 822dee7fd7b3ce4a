/**
 * Where a reader goes on in a log (DESIGN 1.2 rule 5); decisions only, no I/O.
 *
 * Invariants, over any history of one partition (appended, cut at the front by retention, cut at the end, recreated):
 * - a record is handed over in offset order, and no record behind the position is left out, unless a notice says so;
 * - what stands at `next - 1` is what the position was stored after, or the log is read again from its beginning.
 * Told apart by the topic id (recreated), the bounds (cut at either end) and the bookmark (cut and grown again).
 *
 * Offsets may be missing inside a log (compaction, transaction markers, aborted records). A gap counts as such when the
 * log starts at or before it: retention only ever takes the front. The one history that looks the same, a log cut back
 * and grown again whose new record at `next - 1` was compacted away, is not told apart.
 */
import { guarded } from '../guards.ts';
import type { Bookmark, KafkaRecord, Notice, Position } from './kafka.ts';

export interface LogState {
  topicId: string;
  start: number;
  end: number;
}

/** What a notice says beside topic and partition. */
export type Happening = Notice extends infer N ? (N extends unknown ? Omit<N, 'topic' | 'partition' | 'again'> : never) : never;

export interface Start {
  /** Offset to fetch from: one before `next` where there is something to check. */
  fetchFrom: number;
  /** First offset to hand over. */
  next: number;
  check: Bookmark | null;
  happening: Happening | null;
}

/**
 * Decides by the log's id and bounds.
 * @throws Error where a position after a record has no bookmark: its writer must store one
 */
export function decideStart(position: Position, log: LogState): Start {
  const { next, bookmark, topicId } = position;
  const beginning = { fetchFrom: log.start, next: log.start, check: null };
  if (next === null && guarded('new-partition-from-start')) return { ...beginning, happening: null };
  if (next === null) return { fetchFrom: log.end, next: log.end, check: null, happening: null };
  if (guarded('position-topic-id') && topicId !== null && topicId !== log.topicId)
    return { ...beginning, happening: { kind: 'recreated', expected: topicId, found: log.topicId, restartAt: log.start } };
  if (guarded('lost-gap') && log.start > next)
    return { ...beginning, happening: { kind: 'lost', next, start: log.start, records: log.start - next } };
  if (log.start >= next) return { ...beginning, happening: null };
  if (bookmark === null) throw new Error(`the position at offset ${next} has no bookmark of the record before it`);
  if (guarded('log-end') && next > log.end) return { ...beginning, happening: truncated(next, bookmark, log) };
  return { fetchFrom: next - 1, next, check: bookmark, happening: null };
}

export type FirstVerdict = { go: 'on'; skip: 0 | 1 } | { go: 'reload'; reason: string } | { go: 'restart'; happening: Happening };

/**
 * Decides by the first record that was fetched from `next - 1`.
 * @param first null: what was fetched holds no record for readers
 * @param log bounds as the same fetch answered them
 */
export function checkFirst(next: number, bookmark: Bookmark, first: KafkaRecord | null, log: LogState): FirstVerdict {
  if (first !== null && first.offset === next - 1) {
    const same = first.timestampMs === bookmark.timestampMs && bookmark.matches(first);
    return same || !guarded('bookmark') ? { go: 'on', skip: 1 } : { go: 'restart', happening: truncated(next, bookmark, log) };
  }
  return checkNext(next - 1, first, log);
}

/** Decides by a record that was fetched from `expected`: on, also over a gap inside the log, or look at the log again. */
export function checkNext(expected: number, first: KafkaRecord | null, log: LogState): Exclude<FirstVerdict, { go: 'restart' }> {
  if (first !== null && first.offset < expected)
    return { go: 'reload', reason: `offset ${first.offset} came where ${expected} was to come` };
  if (log.start > expected) return { go: 'reload', reason: `the log now starts at ${log.start}, after ${expected}` };
  return { go: 'on', skip: 0 };
}

function truncated(next: number, bookmark: Bookmark, log: LogState): Happening {
  return { kind: 'truncated', next, end: log.end, restartAt: log.start, bookmark: { timestampMs: bookmark.timestampMs } };
}

/**
 * Tells a happening that was told before: until a batch was handled, each load leads to it again, and whoever counts must
 * not count it again. Of records lost, only those that came since are new.
 * @param told the last one told, null after a batch was handled
 */
export function isTold(happening: Happening, told: Happening | null): { again: boolean; happening: Happening } {
  if (told === null || told.kind !== happening.kind) return { again: false, happening };
  switch (happening.kind) {
    case 'recreated':
      return {
        again: told.kind === 'recreated' && told.expected === happening.expected && told.found === happening.found,
        happening,
      };
    case 'truncated':
      return { again: told.kind === 'truncated' && told.next === happening.next, happening };
    case 'lost': {
      if (told.kind !== 'lost' || happening.next > told.start) return { again: false, happening };
      if (happening.start <= told.start) return { again: true, happening };
      return { again: false, happening: { ...happening, next: told.start, records: happening.start - told.start } };
    }
  }
}
