/**
 * Where the sink stands in one processed partition, and what it decides from that (DESIGN 1.2 rules 3, 4 and 5). Pure:
 * `positionStore.ts` reads and writes it, `position.model.test.ts` holds it against a simulated log.
 *
 * Invariants:
 * 1. A record whose origin is not after the last one of its raw topic id is a repeat, wherever in the log it stands.
 *    Every writer emits in origin order from a point before which all was emitted, so when an origin first appears, all
 *    before it stand before it.
 * 2. The position after a batch names the batch's last record (topic id, append time, origin) and its next offset; it is
 *    stored in the transaction of the batch's rows, or not at all.
 * 3. A position counts only as (version, writer): `next` alone comes back to old values, `version` alone does after the
 *    database fell back to an earlier state.
 */
import { createHash } from 'node:crypto';
import { guarded } from '@millrace/core/guards.ts';
import type { Batch, KafkaRecord, Position } from '@millrace/core/kafka/kafka.ts';
import { decodeOrigin, isAfter, ORIGIN_HEADER, type Origin } from '@millrace/core/record/origin.ts';

export interface LastOrigin {
  offset: number;
  index: number;
  /** Version of the position that stored it: tells which raw topic ids are the newest. */
  version: number;
}

/** Last origin by raw topic id. */
export type Origins = ReadonlyMap<string, LastOrigin>;

export interface StoredPosition {
  version: number;
  /** Token of the transaction that wrote this version. */
  writer: string;
  /** null: nothing stored yet. */
  next: number | null;
  /** Of the processed topic. */
  topicId: string | null;
  bookmark: { timestampMs: number; origin: string } | null;
  origins: Origins;
}

/**
 * Raw topic ids that are remembered. A raw topic gets a new id when it is recreated or truncated, so one more of them
 * takes an operator's deed; an id that is forgotten after 32 of these matters only if records older than all of them
 * are still in the processed topic and the sink starts at its beginning again.
 */
export const REMEMBERED_TOPIC_IDS = 32;

/**
 * Splits what arrived, in log order, into what was not seen and repeats.
 * @param version of the position that will store these origins
 * @returns `origins` after the arrivals; those without an origin (another tool's records) are always fresh
 */
export function dropRepeats<T extends { origin: Pick<Origin, 'topicId' | 'offset' | 'index'> | null }>(
  before: Origins,
  arrivals: readonly T[],
  version: number,
): { fresh: T[]; repeats: T[]; origins: Origins } {
  const origins = new Map(before);
  // Neighbours are of one raw topic: its last origin is put down when another topic's comes.
  let current: { topicId: string; last: Pick<Origin, 'offset' | 'index'> | undefined } | null = null;
  const putDown = (): void => {
    if (current?.last === undefined || current.last === before.get(current.topicId)) return;
    origins.set(current.topicId, { offset: current.last.offset, index: current.last.index, version });
  };
  const fresh: T[] = [];
  const repeats: T[] = [];
  const [tellsRepeats, tellsTopics] = [guarded('origin-repeats'), guarded('origin-topic-id')];
  for (const arrival of arrivals) {
    const { origin } = arrival;
    const topicId = tellsTopics ? (origin?.topicId ?? '') : 'any';
    if (origin === null) {
      fresh.push(arrival);
      continue;
    }
    if (current === null || current.topicId !== topicId) {
      putDown();
      current = { topicId, last: origins.get(topicId) };
    }
    if (!tellsRepeats || isAfter(origin, current.last)) {
      fresh.push(arrival);
      current.last = origin;
    } else {
      repeats.push(arrival);
    }
  }
  putDown();
  return { fresh, repeats, origins: newest(origins) };
}

function newest(origins: Map<string, LastOrigin>): Origins {
  if (origins.size <= REMEMBERED_TOPIC_IDS) return origins;
  const byAge = [...origins].sort(([, a], [, b]) => b.version - a.version);
  return new Map(byAge.slice(0, REMEMBERED_TOPIC_IDS));
}

/** The position to store with a batch. @param writer a fresh random token */
export function positionAfter(
  seen: StoredPosition,
  batch: Pick<Batch, 'records' | 'next' | 'topicId'>,
  origins: Origins,
  writer: string,
): StoredPosition {
  const last = batch.records.at(-1);
  if (last === undefined) throw new Error('a batch without records has no position');
  return {
    version: seen.version + 1,
    writer,
    next: batch.next,
    topicId: batch.topicId,
    bookmark: { timestampMs: last.timestampMs, origin: originText(last) },
    origins,
  };
}

/**
 * The stored position as the reader wants it: it seeks to `next - 1` and asks the bookmark whether that is the record. Where
 * nothing is stored yet it stands at 0, not at wherever the log begins: what retention took before that is lost, too.
 */
export function readerPosition(stored: StoredPosition): Position {
  const { next, topicId, bookmark } = stored;
  if (next === null || bookmark === null) return { next: next ?? 0, bookmark: null, topicId };
  const { timestampMs, origin } = bookmark;
  return { next, topicId, bookmark: { timestampMs, matches: (record) => originText(record) === origin } };
}

/** The origin of a record for the bookmark: the header as it is, or a digest where it is no origin (a foreign record). */
export function originText(record: Pick<KafkaRecord, 'headers'>): string {
  const header = record.headers[ORIGIN_HEADER];
  if (header === undefined) return 'none';
  try {
    decodeOrigin(header);
    return header.toString('latin1');
  } catch {
    return `foreign:${createHash('sha256').update(header).digest('base64url')}`; // may be anything, also NUL
  }
}
